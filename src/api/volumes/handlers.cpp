#include "api/volumes/handlers.h"

#include <map>
#include <set>

#include "api/volumes/load.h"
#include "api/volumes/requests.h"
#include "api/volumes/view.h"
#include "commands/volumes/create.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/update.h"
#include "json/parse.h"
#include "store/volumes/list.h"
#include "store/volumes/shown.h"

namespace scoria::api {
namespace {

http::Response reply_with(Services& services, const ApiRequest& request, store::volumes::Shown volume, VolumeForm form) {
  const auto names = services.names.fill_in(services.database, {&volume, 1});
  json::Writer out;
  out.begin_object().key("volume");
  write_volume(out, request, VolumeSight(request), volume, form);
  return request.reply(out.end_object().take());
}

Answer create(Services& services, ApiRequest& request) {
  const auto wanted = read_create_volume(request);
  if (!wanted) return refuse(wanted.error());
  auto volume = commands::create_volume(services.commands, request.context, *wanted);
  if (!volume) return refuse(volume.error());
  const db::Rows shown = services.database.read_one([&](db::Transaction& tx) { return store::volumes::find_shown(tx, volume->id); });
  // Deleted again in between: what was accepted is the answer all the same.
  return reply_with(services, request, shown.empty() ? store::volumes::shown(*volume) : store::volumes::read_shown(shown), VolumeForm::create);
}

Answer show(Services& services, ApiRequest& request) {
  auto found = load_volume(services, request, request.capture("volume_id"));
  if (!found) return refuse(found.error());
  return reply_with(services, request, std::move(found->shown), VolumeForm::detail);
}

Answer update(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const auto wanted = read_describe_volume(request);
  if (!wanted) return refuse(wanted.error());
  if (const auto done = commands::describe_volume(services.commands, volume->id, *wanted); !done) return refuse(done.error());
  const db::Rows shown = services.database.read_one([&](db::Transaction& tx) { return store::volumes::find_shown(tx, volume->id); });
  if (shown.empty()) return refuse(RefusalCode::not_found, "Volume {} could not be found.", volume->id.text);
  return reply_with(services, request, store::volumes::read_shown(shown), VolumeForm::create);
}

Answer remove(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const auto wanted = read_delete_volume(request);
  if (!wanted) return refuse(wanted.error());
  if (const auto accepted = commands::delete_volume(services.commands, request.context, *volume, *wanted); !accepted) return refuse(accepted.error());
  return request.reply();
}

Answer summary(Services& services, ApiRequest& request) {
  const std::string* everybody = request.query("all_tenants");
  const bool all = everybody != nullptr && read_flag(*everybody).value_or(true) && request.context.is_admin;
  const auto sums = services.database.read([&](db::Transaction& tx) { return store::volumes::summary(tx, all ? std::string{} : request.context.project_id); });
  json::Writer out;
  out.begin_object().key("volume-summary").begin_object().field("total_size", sums.gib).field("total_count", sums.count);
  if (request.since(36)) {
    std::map<std::string, std::set<std::string>> values;
    for (const std::string& text : sums.metadata)
      if (const auto map = json::parse(text); map && map->is_object())
        for (const auto& [key, value] : map->object())
          if (value.is_string()) values[key].insert(value.string());
    out.key("metadata").begin_object();
    for (const auto& [key, texts] : values) {
      out.key(key).begin_array();
      for (const std::string& text : texts) out.string(text);
      out.end_array();
    }
    out.end_object();
  }
  return request.reply(out.end_object().end_object().take());
}

}  // namespace

void mount_volumes(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("volumes.create", create);
  mount("volumes.show", show);
  mount("volumes.update", update);
  mount("volumes.delete", remove);
  mount("volumes.summary", summary);
  mount_volume_lists(handlers, services);
  mount_volume_metadata(handlers, services);
  mount_volume_actions(handlers, services);
}

}  // namespace scoria::api
