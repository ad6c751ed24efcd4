#include "api/types/handlers.h"
#include "commands/types/defaults.h"
#include "store/types/defaults.h"

namespace scoria::api {
namespace {

void write_default(json::Writer& out, const std::string& project, const VolumeTypeId& type) {
  out.begin_object().field("project_id", std::string_view{project}).field("volume_type_id", std::string_view{type.text}).end_object();
}

http::Response reply_with(const ApiRequest& request, const std::string& project, const VolumeTypeId& type) {
  json::Writer out;
  write_default(out.begin_object().key("default_type"), project, type);
  return request.reply(out.end_object().take());
}

Result<> authorise(ApiRequest& request) { return request.enforce({{"project_id", request.capture("project_id")}}); }

Answer list(Services& services, ApiRequest& request) {
  json::Writer out;
  out.begin_object().key("default_types").begin_array();
  for (const auto& [project, type] : services.database.read([](db::Transaction& tx) { return store::types::all_defaults(tx); })) write_default(out, project, type);
  return request.reply(out.end_array().end_object().take());
}

Answer show(Services& services, ApiRequest& request) {
  if (const auto allowed = authorise(request); !allowed) return refuse(allowed.error());
  const std::string& project = request.capture("project_id");
  const auto type = services.database.read([&](db::Transaction& tx) { return store::types::default_of(tx, project); });
  if (!type) return refuse(RefusalCode::not_found, "Default type for project {} not found.", project);
  return reply_with(request, project, *type);
}

Answer update(Services& services, ApiRequest& request) {
  if (const auto allowed = authorise(request); !allowed) return refuse(allowed.error());
  const std::string& project = request.capture("project_id");
  const auto type = commands::set_default_type(services.commands, project, request.body["default_type"].text_or("volume_type"));
  if (!type) return refuse(type.error());
  return reply_with(request, project, type->id);
}

Answer remove(Services& services, ApiRequest& request) {
  if (const auto allowed = authorise(request); !allowed) return refuse(allowed.error());
  commands::unset_default_type(services.commands, request.capture("project_id"));
  return request.reply();
}

}  // namespace

void mount_default_types(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("default-types.list", list);
  mount("default-types.show", show);
  mount("default-types.update", update);
  mount("default-types.delete", remove);
}

}  // namespace scoria::api
