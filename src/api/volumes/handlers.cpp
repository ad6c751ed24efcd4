#include "api/volumes/handlers.h"

#include "api/volumes/load.h"
#include "api/volumes/requests.h"
#include "api/volumes/view.h"
#include "commands/volumes/create.h"
#include "commands/volumes/delete.h"
#include "store/volumes/volumes.h"

namespace scoria::api {
namespace {

Answer create(Services& services, ApiRequest& request) {
  const auto wanted = read_create_volume(request);
  if (!wanted) return refuse(wanted.error());
  auto volume = commands::create_volume(services.commands, request.context, *wanted);
  if (!volume) return refuse(volume.error());
  const auto shown = services.database.read([&](db::Transaction& tx) { return store::volumes::find_shown(tx, volume->id); });
  // Deleted again in between: what was accepted is the answer all the same.
  const VolumeView view{*volume, shown ? shown->type_name : std::string{}, {}, {}};
  json::Writer out;
  out.begin_object().key("volume");
  write_volume(out, request, VolumeSight(request), shown ? VolumeView{shown->volume, shown->type_name, shown->service_uuid, {}} : view, VolumeForm::create);
  return request.reply(out.end_object().take());
}

Answer show(Services& services, ApiRequest& request) {
  const auto view = load_volume(services, request, request.capture("volume_id"));
  if (!view) return refuse(view.error());
  json::Writer out;
  out.begin_object().key("volume");
  write_volume(out, request, VolumeSight(request), *view, VolumeForm::detail);
  return request.reply(out.end_object().take());
}

Answer remove(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const auto wanted = read_delete_volume(request);
  if (!wanted) return refuse(wanted.error());
  if (const auto accepted = commands::delete_volume(services.commands, request.context, *volume, *wanted); !accepted) return refuse(accepted.error());
  return request.reply();
}

}  // namespace

void mount_volumes(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("volumes.create", create);
  mount("volumes.show", show);
  mount("volumes.delete", remove);
}

}  // namespace scoria::api
