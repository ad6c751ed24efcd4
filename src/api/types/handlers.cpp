#include "api/types/handlers.h"

#include "api/listing.h"
#include "api/types/view.h"
#include "base/text.h"
#include "commands/types/create.h"
#include "commands/types/delete.h"
#include "commands/types/update.h"
#include "store/types/defaults.h"
#include "store/types/list.h"
#include "store/types/types.h"

namespace scoria::api {
namespace {

http::Response reply_with(const ApiRequest& request, const VolumeType& type, TypeForm form) {
  json::Writer out;
  out.begin_object().key("volume_type");
  write_type(out, TypeSight(request), type, form);
  return request.reply(out.end_object().take());
}

std::optional<std::string> text(const json::Value& body, std::string_view key) {
  const json::Value& value = body[key];
  if (!value.is_string()) return std::nullopt;
  return std::string(trimmed(value.string()));
}

/// A boolean, or a word for one: the schema has refused everything else.
std::optional<bool> flag(const json::Value& body, std::string_view key) {
  const json::Value& value = body[key];
  if (value.is_bool()) return value.boolean();
  return value.is_string() ? read_flag(value.string()) : std::nullopt;
}

Answer create(Services& services, ApiRequest& request) {
  const json::Value& body = request.body["volume_type"];
  commands::CreateTypeRequest wanted;
  wanted.name = text(body, "name").value_or("");
  wanted.description = text(body, "description").value_or("");
  wanted.is_public = flag(body, "os-volume-type-access:is_public").value_or(true);
  wanted.extra_specs = read_extra_specs(body["extra_specs"]);
  const auto type = commands::create_type(services.commands, request.context, wanted);
  if (!type) return refuse(type.error());
  return reply_with(request, *type, TypeForm::created);
}

/// What creates of this project get when they name no type.
std::optional<VolumeType> default_type(Services& services, const ApiRequest& request) {
  return services.database.read([&](db::Transaction& tx) {
    if (const auto own = store::types::default_of(tx, request.context.project_id)) return store::types::find_by_id(tx, own->text);
    return store::types::find(tx, services.commands.options.default_type);
  });
}

Answer show(Services& services, ApiRequest& request) {
  if (request.capture("type_id") == "default") {
    const auto type = default_type(services, request);
    if (!type) return refuse(RefusalCode::not_found, "Default volume type can not be found.");
    return reply_with(request, *type, TypeForm::by_default);
  }
  const auto type = load_type(services, request);
  if (!type) return refuse(type.error());
  return reply_with(request, *type, TypeForm::shown);
}

Answer update(Services& services, ApiRequest& request) {
  const json::Value& body = request.body["volume_type"];
  commands::UpdateTypeRequest wanted{text(body, "name"), text(body, "description"), flag(body, "is_public")};
  if (!wanted.name && !wanted.description && !wanted.is_public)
    return refuse(RefusalCode::invalid_input, "Specify volume type name, description, is_public or a combination thereof.");
  if (wanted.name && wanted.name->empty()) return refuse(RefusalCode::invalid_input, "Volume type name can not be empty.");
  const auto type = commands::update_type(services.commands, request.capture("type_id"), wanted);
  if (!type) return refuse(type.error());
  services.names.forget();
  return reply_with(request, *type, TypeForm::updated);
}

Answer remove(Services& services, ApiRequest& request) {
  if (const auto done = commands::delete_type(services.commands, request.capture("type_id")); !done) return refuse(done.error());
  return request.reply();
}

/// Without the parameter: public types, and private ones that the caller's project has access to. Admins may ask for
/// private ones alone, or with "none" for all.
Result<> choose_publicity(const ApiRequest& request, ListQuery& query) {
  std::erase_if(query.filters, [](const ListFilter& filter) { return filter.key == "is_public"; });
  query.project_id = request.context.project_id;
  const std::string* word = request.query("is_public");
  if (word == nullptr || !request.context.is_admin) return {};
  if (lower_case(*word) == "none") return query.project_id.clear(), Result<>{};
  const auto flag = read_flag(*word);
  if (!flag) return refuse(RefusalCode::invalid_input, "Invalid is_public filter [{}].", *word);
  if (*flag) return {};
  query.project_id.clear();
  query.filters.push_back({"is_public", ListFilter::Test::equal, {"false"}, {}});
  return {};
}

Answer list(Services& services, ApiRequest& request) {
  auto query = read_list(request, volume_type_list, services.lists);
  if (!query) return refuse(query.error());
  if (const auto chosen = choose_publicity(request, *query); !chosen) return refuse(chosen.error());
  const TypeSight sight(request);
  for (const ListFilter& filter : query->filters)  // a hidden key must not be guessed by filtering
    for (const auto& [key, value] : filter.entries) query->nothing = query->nothing || !sight.sees(key);
  const auto listed = services.database.read([&](db::Transaction& tx) { return store::run_list(tx, store::types::list_table, *query); });
  if (!listed) return refuse(listed.error());
  json::Writer out;
  std::string last;
  out.begin_object().key("volume_types").begin_array();
  for (std::size_t i = 0; i < listed->rows.size(); ++i) {
    const VolumeType type = store::types::read(listed->rows, i);
    write_type(out, sight, type, TypeForm::shown);
    last = type.id.text;
  }
  out.end_array();
  write_next_link(out, request, volume_type_list, *query, listed->rows.size(), last);
  return request.reply(out.end_object().take());
}

}  // namespace

void mount_types(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("types.list", list);
  mount("types.create", create);
  mount("types.show", show);
  mount("types.update", update);
  mount("types.delete", remove);
  mount_extra_specs(handlers, services);
  mount_type_access(handlers, services);
  mount_default_types(handlers, services);
}

}  // namespace scoria::api
