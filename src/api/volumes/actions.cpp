#include "api/listing.h"
#include "api/maps.h"
#include "api/volumes/handlers.h"
#include "api/volumes/load.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/extend.h"
#include "commands/volumes/revert.h"
#include "commands/volumes/update.h"

namespace scoria::api {
namespace {

using VolumeAction = Result<> (*)(Services&, ApiRequest&, const Volume&);

/// A flag that may come as a boolean or as a word.
Result<bool> flag_of(const json::Value& value, std::string_view name) {
  if (value.is_bool()) return value.boolean();
  if (value.is_string())
    if (const auto flag = read_flag(value.string())) return *flag;
  return refuse(RefusalCode::invalid_input, "Invalid input for field/attribute {}. It must be a boolean.", name);
}

Result<std::int64_t> whole_number(const json::Value& value, std::string_view name) {
  if (value.is_integer()) return value.integer();
  if (value.is_string() && !value.string().empty() && value.string().find_first_not_of("0123456789") == std::string::npos && value.string().size() < 12)
    return std::stoll(value.string());
  return refuse(RefusalCode::invalid_input, "Invalid input for field/attribute {}. It must be a whole number.", name);
}

Result<> extend(Services& services, ApiRequest& request, const Volume& volume) {
  const auto size = whole_number(request.payload()["new_size"], "new_size");
  if (!size) return refuse(size.error());
  const bool in_use = request.since(42) && volume.status == VolumeStatus::in_use;
  if (in_use)
    if (auto allowed = request.enforce("volume:extend_attached_volume", {{"project_id", volume.project_id}, {"user_id", volume.user_id}}); !allowed)
      return refuse(allowed.error());
  return commands::extend_volume(services.commands, request.context, volume, *size, in_use);
}

Result<> revert(Services& services, ApiRequest& request, const Volume& volume) {
  return commands::revert_volume(services.commands, request.context, volume, request.payload().text_or("snapshot_id"));
}

Result<> reset_status(Services& services, ApiRequest& request, const Volume& volume) {
  const json::Value& wanted = request.payload();
  return commands::reset_volume_status(services.commands, volume, wanted.text_or("status"), wanted.text_or("attach_status"), wanted.text_or("migration_status"));
}

Result<> force_delete(Services& services, ApiRequest& request, const Volume& volume) {
  return commands::delete_volume(services.commands, request.context, volume, {.cascade = false, .force = true});
}

Result<> set_bootable(Services& services, ApiRequest& request, const Volume& volume) {
  const auto flag = flag_of(request.payload()["bootable"], "bootable");
  if (!flag) return refuse(flag.error());
  return commands::set_volume_bootable(services.commands, volume.id, *flag);
}

Result<> set_readonly(Services& services, ApiRequest& request, const Volume& volume) {
  const auto flag = flag_of(request.payload()["readonly"], "readonly");
  if (!flag) return refuse(flag.error());
  return commands::set_volume_readonly(services.commands, volume.id, *flag);
}

Result<> reserve(Services& services, ApiRequest&, const Volume& volume) { return commands::reserve_volume(services.commands, volume); }
Result<> unreserve(Services& services, ApiRequest&, const Volume& volume) { return commands::unreserve_volume(services.commands, volume); }
Result<> begin_detaching(Services& services, ApiRequest&, const Volume& volume) { return commands::begin_detaching_volume(services.commands, volume); }
Result<> roll_detaching(Services& services, ApiRequest&, const Volume& volume) { return commands::roll_detaching_volume(services.commands, volume); }

Answer image_metadata(Services& services, ApiRequest& request, const commands::MapChange& change, bool answers) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  Result<std::string> after = volume->image_metadata;
  if (change) after = commands::change_volume_map(services.commands, volume->id, commands::VolumeMap::image_metadata, change);
  if (!after) return refuse(after.error());
  return request.reply(answers ? R"({"metadata":)" + *after + "}" : std::string{});
}

}  // namespace

void mount_volume_actions(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, VolumeAction action) {
    handlers.mount(name, [&services, action](ApiRequest& request) -> Answer {
      const auto volume = authorised_volume(services, request, request.capture("volume_id"));
      if (!volume) return refuse(volume.error());
      if (const auto done = action(services, request, *volume); !done) return refuse(done.error());
      return request.reply();
    });
  };
  mount("volumes.os-extend", extend);
  mount("volumes.revert", revert);
  mount("volumes.os-reset_status", reset_status);
  mount("volumes.os-force_delete", force_delete);
  mount("volumes.os-set_bootable", set_bootable);
  mount("volumes.os-update_readonly_flag", set_readonly);
  mount("volumes.os-reserve", reserve);
  mount("volumes.os-unreserve", unreserve);
  mount("volumes.os-begin_detaching", begin_detaching);
  mount("volumes.os-roll_detaching", roll_detaching);
  handlers.mount("volumes.os-set_image_metadata", [&services](ApiRequest& request) {
    return image_metadata(services, request, [&](const std::string& before) { return merged(before, request.payload()["metadata"]); }, true);
  });
  handlers.mount("volumes.os-unset_image_metadata", [&services](ApiRequest& request) {
    return image_metadata(services, request, [&](const std::string& before) { return without(before, request.payload().text_or("key")); }, false);
  });
  handlers.mount("volumes.os-show_image_metadata", [&services](ApiRequest& request) { return image_metadata(services, request, {}, true); });
}

}  // namespace scoria::api
