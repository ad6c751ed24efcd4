#include "api/types/handlers.h"
#include "api/types/view.h"
#include "commands/types/extra_specs.h"
#include "commands/types/refusals.h"

namespace scoria::api {
namespace {

Answer list(Services& services, ApiRequest& request) {
  const auto type = load_type(services, request);
  if (!type) return refuse(type.error());
  json::Writer out;
  TypeSight(request).write(out.begin_object().key("extra_specs"), type->extra_specs);
  return request.reply(out.end_object().take());
}

Answer show(Services& services, ApiRequest& request) {
  const auto type = load_type(services, request);
  if (!type) return refuse(type.error());
  const std::string& key = request.capture("key");
  const auto found = type->extra_specs.find(key);
  if (found == type->extra_specs.end() || !TypeSight(request).sees(key)) return commands::no_such_spec(type->id.text, key);
  json::Writer out;
  return request.reply(out.begin_object().field(key, std::string_view{found->second}).end_object().take());
}

Answer create(Services& services, ApiRequest& request) {
  const json::Value& given = request.body["extra_specs"];
  if (const auto done = commands::set_extra_specs(services.commands, request.capture("type_id"), read_extra_specs(given)); !done) return refuse(done.error());
  json::Writer out;
  return request.reply(out.begin_object().key("extra_specs").value(given).end_object().take());
}

Answer update(Services& services, ApiRequest& request) {
  const std::string& key = request.capture("key");
  if (!request.body.is_object() || request.body.find(key) == nullptr) return refuse(RefusalCode::invalid_input, "Request body and URI mismatch.");
  if (request.body.object().size() != 1) return refuse(RefusalCode::invalid_input, "Request body contains too many items.");
  if (const auto done = commands::set_extra_specs(services.commands, request.capture("type_id"), read_extra_specs(request.body)); !done) return refuse(done.error());
  return request.reply(json::Writer().value(request.body).take());
}

Answer remove(Services& services, ApiRequest& request) {
  const auto done = commands::remove_extra_spec(services.commands, request.capture("type_id"), request.capture("key"));
  if (!done) return refuse(done.error());
  return request.reply();
}

}  // namespace

void mount_extra_specs(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("types.extra_specs.list", list);
  mount("types.extra_specs.show", show);
  mount("types.extra_specs.create", create);
  mount("types.extra_specs.update", update);
  mount("types.extra_specs.delete", remove);
}

}  // namespace scoria::api
