#include "commands/volumes/revert.h"

#include <fmt/core.h>

#include "domain/events.h"
#include "domain/volumes/shapes.h"
#include "engine/start.h"
#include "store/events/outbox.h"
#include "store/snapshots/snapshots.h"
#include "store/volumes/volumes.h"

namespace scoria::commands {

Result<> revert_volume(Services& services, const Context& context, const Volume& volume, const std::string& snapshot_id) {
  const auto all = services.database.read([&](db::Transaction& tx) { return store::snapshots::of_volume(tx, volume.id); });
  const auto wanted = std::find_if(all.begin(), all.end(), [&](const Snapshot& one) { return one.id.text == snapshot_id; });
  if (wanted == all.end()) return refuse(RefusalCode::invalid_state, "Invalid snapshot: Snapshot {} is not one of volume {}.", snapshot_id, volume.id.text);
  if (wanted->id != all.back().id)
    return refuse(RefusalCode::invalid_input, "Invalid input received: Specified snapshot_id={} isn't the most recent one of volume {}.", snapshot_id, volume.id.text);
  if (wanted->size_gib != volume.size_gib)
    return refuse(RefusalCode::invalid_state, "Invalid volume: Can't revert volume {} to its latest snapshot: it was extended since.", volume.id.text);

  const std::string operation = services.random.uuid();
  const std::string event = ResourceEvent{.volume_id = volume.id.text, .snapshot_id = snapshot_id, .project_id = context.project_id, .user_id = context.user_id,
                                           .request_id = context.request_id, .operation = operation}.to_json();
  engine::Launch launch(services.berths, operation, volume.backend);
  const auto accept = [&](db::Transaction& tx) -> Result<bool> {
    // The count says that no snapshot was added or taken away since we looked for the newest.
    store::volumes::take(tx, "volume.revert", volume.id, operation, 'X', {VolumeStatus::available}, VolumeStatus::reverting,
                         fmt::format("snapshots = {} AND size_gib = {}", all.size(), volume.size_gib));
    store::volumes::require_at(tx, volume);
    store::snapshots::take(tx, "snapshot.revert", wanted->id, operation, {SnapshotStatus::available}, SnapshotStatus::restoring);
    engine::start(tx, services.kinds,
                  {.id = operation, .kind = "volume.revert", .queue = volume.backend, .backend = volume.backend, .project_id = volume.project_id,
                   .user_id = context.user_id, .request_id = context.request_id, .resource_type = "volume", .resource_id = volume.id.text,
                   .time_limit = std::chrono::hours{24}, .input = RevertVolumeInput{snapshot_id}.to_json(),
                   .claims = {{"volume", volume.id.text, engine::Mode::exclusive}, {"snapshot", snapshot_id, engine::Mode::exclusive}}},
                  &launch);
    store::outbox::add(tx, operation + ".start", "volume.revert.start", operation, event);
    return true;
  };
  const auto explain = [&](std::string_view guard) -> Refusal {
    return {RefusalCode::invalid_state,
            fmt::format("Invalid {}: volume {} and snapshot {} must both be available to revert.", guard == "volume.revert" ? "volume" : "snapshot", volume.id.text, snapshot_id),
            {}};
  };
  const auto landed = [&](db::Transaction& tx) -> std::optional<bool> {
    if (tx.query("SELECT 1 FROM operation WHERE id = ?", {operation}).empty()) return std::nullopt;
    return true;
  };
  const auto accepted = launch_once<bool>(services, launch, accept, explain, landed);
  if (!accepted) return refuse(accepted.error());
  return {};
}

}  // namespace scoria::commands
