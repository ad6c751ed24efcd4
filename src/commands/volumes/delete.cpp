#include "commands/volumes/delete.h"

#include <fmt/core.h>

#include "commands/volumes/delete_whole.h"
#include "domain/events.h"
#include "engine/start.h"
#include "store/events/outbox.h"
#include "store/services/services.h"
#include "store/volumes/volumes.h"

namespace scoria::commands {
namespace {

constexpr std::string_view no_children = "snapshots = 0 AND attachments = 0 AND attach_status <> 'attached' AND group_id IS NULL "
                                         "AND (migration_status IS NULL OR migration_status IN ('deleting', 'error', 'success')) "
                                         "AND NOT EXISTS (SELECT 1 FROM backend b WHERE b.name = volume.backend AND b.frozen = 1)";

/// Why the guard refused, found after the fact: the row decides, this only tells.
Refusal explain(const Services& services, const VolumeId& id) {
  const auto volume = services.database.read_one([&](db::Transaction& tx) { return store::volumes::find(tx, id); });
  if (!volume) return {RefusalCode::not_found, fmt::format("Volume {} could not be found.", id.text), {}};
  std::string why = fmt::format("its status is {}", to_text(volume->status));
  if (services.database.read_one([&](db::Transaction& tx) { return store::services::frozen(tx, volume->backend); }))
    why = fmt::format("its backend {} is frozen", volume->backend);
  if (volume->snapshots > 0) why = fmt::format("it has {} snapshots", volume->snapshots);
  if (volume->attachments > 0) why = fmt::format("it has {} attachments", volume->attachments);
  if (!volume->group_id.empty()) why = fmt::format("it belongs to group {}", volume->group_id);
  if (!volume->x_op.empty()) why += fmt::format(" and operation {} holds it", volume->x_op);
  return {RefusalCode::invalid_state,
          fmt::format("Invalid volume: Volume status must be available or error or error_restoring or error_extending or error_managing and must not be "
                      "migrating, attached, belong to a group, have snapshots or be awaiting a transfer: {}.",
                      why),
          volume->x_op};
}

}  // namespace

Result<> delete_volume(Services& services, const Context& context, const Volume& volume, const DeleteVolumeRequest& request) {
  if (request.cascade || request.force) return delete_whole(services, context, volume.id, request);
  const std::string operation = services.random.uuid();
  const std::string queue = volume.backend.empty() ? std::string(engine::scheduler_queue) : volume.backend;
  const std::string event = ResourceEvent{.volume_id = volume.id.text, .snapshot_id = {}, .project_id = context.project_id, .user_id = context.user_id,
                                           .request_id = context.request_id, .operation = operation}.to_json();

  engine::Launch launch(services.berths, operation, queue);
  const auto accept = [&](db::Transaction& tx) -> Result<bool> {
    store::volumes::take(tx, "volume.delete", volume.id, operation, 'X',
                         {VolumeStatus::available, VolumeStatus::error, VolumeStatus::error_restoring, VolumeStatus::error_extending,
                          VolumeStatus::error_managing},
                         VolumeStatus::deleting, no_children);
    store::volumes::require_at(tx, volume);
    engine::start(tx, services.kinds,
                  {.id = operation, .kind = "volume.delete", .queue = queue, .backend = volume.backend, .project_id = volume.project_id,
                   .user_id = context.user_id, .request_id = context.request_id, .resource_type = "volume", .resource_id = volume.id.text,
                   .priority = engine::Priority::release, .claims = {{"volume", volume.id.text, engine::Mode::exclusive}}},
                  &launch);
    store::outbox::add(tx, operation + ".start", "volume.delete.start", operation, event);
    return true;
  };
  const auto landed = [&](db::Transaction& tx) -> std::optional<bool> {
    if (tx.query("SELECT 1 FROM operation WHERE id = ?", {operation}).empty()) return std::nullopt;
    return true;
  };
  const auto accepted = launch_once<bool>(services, launch, accept, [&](std::string_view) { return explain(services, volume.id); }, landed);
  if (!accepted) return refuse(accepted.error());
  return {};
}

}  // namespace scoria::commands
