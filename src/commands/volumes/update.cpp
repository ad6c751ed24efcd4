#include "commands/volumes/update.h"

#include <fmt/core.h>

#include "store/volumes/volumes.h"

namespace scoria::commands {
namespace {

constexpr int most_tries = 8;

tl::unexpected<Refusal> gone(const VolumeId& id) { return refuse(RefusalCode::not_found, "Volume {} could not be found.", id.text); }

std::optional<Volume> now(Services& services, const VolumeId& id) {
  return services.database.read_one([&](db::Transaction& tx) { return store::volumes::find(tx, id); });
}

/// A single compare-and-set; when it changes nothing, what stands in its way.
template <class Change>
Result<> change_once(Services& services, const VolumeId& id, std::string_view what, Change&& change) {
  if (services.database.write([&](db::Transaction& tx) { return change(tx); }) == 1) return {};
  const auto volume = now(services, id);
  if (!volume) return gone(id);
  std::string held = volume->x_op.empty() ? std::string{} : fmt::format(" and operation {} holds it", volume->x_op);
  return refuse(Refusal{RefusalCode::invalid_state,
                        fmt::format("Invalid volume: Volume {} cannot be {} now: its status is {}, its attach status {}{}.", id.text, what,
                                    to_text(volume->status), volume->attach_status, held),
                        volume->x_op});
}

}  // namespace

Result<> describe_volume(Services& services, const VolumeId& id, const DescribeVolumeRequest& request) {
  for (int tries = 0; tries < most_tries; ++tries) {
    const auto volume = now(services, id);
    if (!volume) return gone(id);
    if (volume->status == VolumeStatus::maintenance) return refuse(RefusalCode::invalid_state, "Invalid volume: Volume {} is in maintenance.", id.text);
    const std::int64_t changed = services.database.write([&](db::Transaction& tx) {
      const std::int64_t rows = store::volumes::describe(tx, id, volume->rev, request.name.value_or(volume->name), request.description.value_or(volume->description));
      if (rows == 1 && request.metadata) return store::volumes::set_metadata(tx, id, volume->rev + 1, *request.metadata);
      return rows;
    });
    if (changed == 1) return {};
  }
  return refuse(RefusalCode::conflict, "Volume {} changes too fast; try again.", id.text);
}

Result<std::string> change_volume_map(Services& services, const VolumeId& id, VolumeMap map, const MapChange& change) {
  for (int tries = 0; tries < most_tries; ++tries) {
    const auto volume = now(services, id);
    if (!volume) return gone(id);
    if (volume->status == VolumeStatus::maintenance || volume->status == VolumeStatus::uploading)
      return refuse(RefusalCode::invalid_state, "Invalid volume: Metadata of volume {} cannot change while its status is {}.", id.text, to_text(volume->status));
    auto after = change(map == VolumeMap::metadata ? volume->metadata : volume->image_metadata);
    if (!after) return after;
    const std::int64_t changed = services.database.write([&](db::Transaction& tx) {
      return map == VolumeMap::metadata ? store::volumes::set_metadata(tx, id, volume->rev, *after) : store::volumes::set_image_metadata(tx, id, volume->rev, *after);
    });
    if (changed == 1) return after;
  }
  return refuse(RefusalCode::conflict, "Volume {} changes too fast; try again.", id.text);
}

Result<> set_volume_bootable(Services& services, const VolumeId& id, bool bootable) {
  return change_once(services, id, "made bootable or not", [&](db::Transaction& tx) { return store::volumes::set_bootable(tx, id, bootable); });
}

Result<> set_volume_readonly(Services& services, const VolumeId& id, bool readonly) {
  return change_once(services, id, "made read-only or writable", [&](db::Transaction& tx) { return store::volumes::set_readonly(tx, id, readonly); });
}

Result<> reserve_volume(Services& services, const Volume& volume) {
  return change_once(services, volume.id, "reserved", [&](db::Transaction& tx) {
    if (volume.multiattach)
      return store::volumes::change_status(tx, volume.id, {VolumeStatus::available, VolumeStatus::in_use}, VolumeStatus::attaching);
    return store::volumes::change_status(tx, volume.id, {VolumeStatus::available}, VolumeStatus::attaching);
  });
}

/// No error when there was nothing reserved, as clients undo what may not have happened.
Result<> unreserve_volume(Services& services, const Volume& volume) {
  services.database.write([&](db::Transaction& tx) {
    if (store::volumes::change_status(tx, volume.id, {VolumeStatus::attaching}, VolumeStatus::in_use, "attach_status = 'attached'") == 1) return;
    store::volumes::change_status(tx, volume.id, {VolumeStatus::attaching}, VolumeStatus::available, "attach_status <> 'attached'");
  });
  return {};
}

Result<> begin_detaching_volume(Services& services, const Volume& volume) {
  return change_once(services, volume.id, "detached", [&](db::Transaction& tx) {
    return store::volumes::change_status(tx, volume.id, {VolumeStatus::in_use}, VolumeStatus::detaching, "attach_status = 'attached'");
  });
}

Result<> roll_detaching_volume(Services& services, const Volume& volume) {
  services.database.write([&](db::Transaction& tx) {
    store::volumes::change_status(tx, volume.id, {VolumeStatus::detaching}, VolumeStatus::in_use);
  });
  return {};
}

Result<> reset_volume_status(Services& services, const Volume& volume, const std::string& status, const std::string& attach_status,
                             const std::string& migration_status) {
  VolumeStatus wanted = volume.status;
  if (!status.empty() && !parse(status, wanted)) return refuse(RefusalCode::invalid_input, "Must specify a valid status: '{}' is none.", status);
  if (wanted == VolumeStatus::in_use && volume.attachments == 0)
    return refuse(RefusalCode::invalid_input, "Cannot reset-state to in-use because volume does not have any attachments.");
  const std::int64_t changed = services.database.write([&](db::Transaction& tx) {
    return store::volumes::override_status(tx, volume.id, volume.rev, wanted, attach_status, migration_status);
  });
  if (changed == 1) return {};
  const auto current = now(services, volume.id);
  if (!current) return gone(volume.id);
  if (!current->x_op.empty())
    return refuse(Refusal{RefusalCode::conflict,
                          fmt::format("Operation {} is working on volume {}; it will end by itself, or can be cancelled.", current->x_op, volume.id.text), current->x_op});
  return refuse(RefusalCode::conflict, "Volume {} changed meanwhile; try again.", volume.id.text);
}

}  // namespace scoria::commands
