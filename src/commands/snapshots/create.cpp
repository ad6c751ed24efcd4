#include "commands/snapshots/create.h"

#include <fmt/core.h>

#include "commands/once.h"
#include "commands/quota_refusal.h"
#include "domain/events.h"
#include "engine/start.h"
#include "store/events/outbox.h"
#include "store/quotas/quotas.h"
#include "store/services/services.h"
#include "store/snapshots/snapshots.h"
#include "store/types/types.h"
#include "store/volumes/volumes.h"

namespace scoria::commands {
namespace {

Refusal why_not(const Services& services, const Volume& volume, const CreateSnapshotRequest& request) {
  const auto now = services.database.read([&](db::Transaction& tx) { return store::volumes::find(tx, volume.id); });
  if (!now) return {RefusalCode::not_found, fmt::format("Volume {} could not be found.", volume.id.text), {}};
  if (services.database.read([&](db::Transaction& tx) { return store::services::frozen(tx, now->backend); }))
    return {RefusalCode::invalid_state, fmt::format("Invalid volume: The backend {} of volume {} is frozen.", now->backend, volume.id.text), {}};
  return {RefusalCode::invalid_state,
          fmt::format("Invalid volume: Volume {} status must be available{}, but current status is: {}.", volume.id.text,
                      request.in_use ? " or in-use" : "", to_text(now->status)),
          now->x_op};
}

Result<Snapshot> accept_snapshot(Services& services, const Context& context, const Volume& volume, const CreateSnapshotRequest& request) {
  const std::int64_t gib = services.options.no_snapshot_gb_quota ? 0 : volume.size_gib;
  struct Resolved {
    VolumeType type;
    store::quotas::Limits limits;
  };
  const Resolved resolved = services.database.read([&](db::Transaction& tx) {
    return Resolved{store::types::find(tx, volume.type.text).value_or(VolumeType{}),
                    store::quotas::limits(tx, context.project_id, volume.type.text, services.options.quotas)};
  });

  const std::string operation = services.random.uuid();
  Snapshot snapshot;
  snapshot.id = {services.random.uuid()};
  snapshot.volume_id = volume.id, snapshot.project_id = context.project_id, snapshot.user_id = context.user_id;
  snapshot.name = request.name, snapshot.description = request.description, snapshot.metadata = request.metadata;
  snapshot.size_gib = volume.size_gib, snapshot.type = volume.type, snapshot.backend = volume.backend, snapshot.pool = volume.pool;
  snapshot.charge = {context.project_id, volume.type.text, gib};
  snapshot.x_op = operation, snapshot.x_mode = "X";
  const std::string event = ResourceEvent{.volume_id = volume.id.text, .snapshot_id = snapshot.id.text, .project_id = context.project_id, .user_id = context.user_id,
                                           .request_id = context.request_id, .operation = operation}.to_json();

  const store::quotas::Amount amount{.gigabytes = gib, .snapshots = 1};
  engine::Launch launch(services.berths, operation, volume.backend);
  const auto accept = [&](db::Transaction& tx) -> Result<Snapshot> {
    remember(tx, context, operation, snapshot.id.text);
    if (request.in_use)
      store::snapshots::add_to_volume(tx, volume.id, {VolumeStatus::available, VolumeStatus::in_use});
    else
      store::snapshots::add_to_volume(tx, volume.id, {VolumeStatus::available});
    store::volumes::require_at(tx, volume);
    store::snapshots::insert(tx, snapshot);
    engine::start(tx, services.kinds,
                  {.id = operation, .kind = "snapshot.create", .queue = volume.backend, .backend = volume.backend, .project_id = context.project_id,
                   .user_id = context.user_id, .request_id = context.request_id, .resource_type = "snapshot", .resource_id = snapshot.id.text,
                   .time_limit = std::chrono::hours{1},
                   .claims = {{"snapshot", snapshot.id.text, engine::Mode::exclusive}, {"volume", volume.id.text, engine::Mode::shared}}},
                  &launch);
    store::outbox::add(tx, operation + ".start", "snapshot.create.start", operation, event);
    store::quotas::take(tx, context.project_id, volume.type.text, amount, resolved.limits);
    return snapshot;
  };
  const auto explain = [&](std::string_view guard) {
    if (guard == "snapshot.volume") return why_not(services, volume, request);
    return explain_over_quota(services, context.project_id, resolved.type, guard, amount, resolved.limits);
  };
  return launch_once<Snapshot>(services, launch, accept, explain, [&](db::Transaction& tx) { return store::snapshots::find(tx, snapshot.id); });
}

}  // namespace

Result<Snapshot> create_snapshot(Services& services, const Context& context, const Volume& volume, const CreateSnapshotRequest& request) {
  const auto load = [](db::Transaction& tx, const std::string& id) { return store::snapshots::find(tx, {id}); };
  return once<Snapshot>(services, context, load, [&] { return accept_snapshot(services, context, volume, request); });
}

}  // namespace scoria::commands
