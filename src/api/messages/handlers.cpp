#include "api/messages/handlers.h"

#include "api/listing.h"
#include "store/messages/messages.h"

namespace scoria::api {
namespace {

void write_message(json::Writer& out, const ApiRequest& request, const Message& message) {
  out.begin_object().field("id", std::string_view{message.id}).field("event_id", std::string_view{message.event_id()});
  out.field("user_message", std::string_view{message.user_message()}).field("message_level", std::string_view{message.level});
  out.field("created_at", std::string_view{to_iso(message.created_at)}).field("guaranteed_until", std::string_view{to_iso(message.expires_at)});
  out.key("request_id").string_or_null(message.request_id).key("resource_type").string_or_null(message.resource_type);
  out.key("resource_uuid").string_or_null(message.resource_id);
  request.links.write(out, "messages", message.id);
  out.end_object();
}

Result<Message> load(Services& services, ApiRequest& request) {
  const std::string& id = request.capture("message_id");
  auto message = services.database.read([&](db::Transaction& tx) { return store::messages::find(tx, id); });
  if (!message || (!request.context.is_admin && message->project_id != request.context.project_id))
    return refuse(RefusalCode::not_found, "Message {} could not be found.", id);
  if (auto allowed = request.enforce({{"project_id", message->project_id}}); !allowed) return refuse(allowed.error());
  return std::move(*message);
}

Answer list(Services& services, ApiRequest& request) {
  const auto query = read_list(request, message_list, services.lists);
  if (!query) return refuse(query.error());
  const auto listed = services.database.read([&](db::Transaction& tx) { return store::run_list(tx, store::messages::list_table, *query); });
  if (!listed) return refuse(listed.error());
  json::Writer out;
  std::string last;
  out.begin_object().key("messages").begin_array();
  for (std::size_t i = 0; i < listed->rows.size(); ++i) {
    const Message message = store::messages::read(listed->rows, i);
    write_message(out, request, message);
    last = message.id;
  }
  out.end_array();
  write_next_link(out, request, message_list, *query, listed->rows.size(), last);
  return request.reply(out.end_object().take());
}

Answer show(Services& services, ApiRequest& request) {
  const auto message = load(services, request);
  if (!message) return refuse(message.error());
  json::Writer out;
  write_message(out.begin_object().key("message"), request, *message);
  return request.reply(out.end_object().take());
}

Answer remove(Services& services, ApiRequest& request) {
  const auto message = load(services, request);
  if (!message) return refuse(message.error());
  if (services.database.write([&](db::Transaction& tx) { return store::messages::remove(tx, message->id); }) == 0)
    return refuse(RefusalCode::not_found, "Message {} could not be found.", message->id);
  return request.reply();
}

}  // namespace

void mount_messages(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("messages.list", list);
  mount("messages.show", show);
  mount("messages.delete", remove);
}

}  // namespace scoria::api
