#include "api/types/handlers.h"
#include "api/types/view.h"
#include "commands/types/access.h"
#include "store/types/types.h"

namespace scoria::api {
namespace {

Answer list(Services& services, ApiRequest& request) {
  const auto type = load_type(services, request);
  if (!type) return refuse(type.error());
  if (type->is_public) return refuse(RefusalCode::not_found, "Access list not available for public volume types.");
  json::Writer out;
  out.begin_object().key("volume_type_access").begin_array();
  for (const std::string& project : services.database.read([&](db::Transaction& tx) { return store::types::projects_with_access(tx, type->id); }))
    out.begin_object().field("volume_type_id", std::string_view{type->id.text}).field("project_id", std::string_view{project}).end_object();
  return request.reply(out.end_array().end_object().take());
}

Answer change(Services& services, ApiRequest& request, Result<> (*command)(commands::Services&, const std::string&, const std::string&)) {
  const auto done = command(services.commands, request.capture("type_id"), request.payload().text_or("project"));
  if (!done) return refuse(done.error());
  return request.reply();
}

}  // namespace

void mount_type_access(Handlers& handlers, Services& services) {
  handlers.mount("types.os-volume-type-access.list", [&services](ApiRequest& request) { return list(services, request); });
  handlers.mount("types.addProjectAccess", [&services](ApiRequest& request) { return change(services, request, commands::add_type_access); });
  handlers.mount("types.removeProjectAccess", [&services](ApiRequest& request) { return change(services, request, commands::remove_type_access); });
}

}  // namespace scoria::api
