#include "commands/snapshots/delete.h"

#include <fmt/core.h>

#include "engine/start.h"
#include "json/writer.h"
#include "store/events/outbox.h"
#include "store/services/services.h"
#include "store/snapshots/snapshots.h"

namespace scoria::commands {
namespace {

Refusal explain(const Services& services, const SnapshotId& id) {
  const auto now = services.database.read([&](db::Transaction& tx) { return store::snapshots::find(tx, id); });
  if (!now) return {RefusalCode::not_found, fmt::format("Snapshot {} could not be found.", id.text), {}};
  std::string why = fmt::format("its status is {}", to_text(now->status));
  if (services.database.read([&](db::Transaction& tx) { return store::services::frozen(tx, now->backend); }))
    why = fmt::format("its backend {} is frozen", now->backend);
  if (!now->group_snapshot_id.empty()) why = "it belongs to a group snapshot";
  if (!now->x_op.empty()) why += fmt::format(" and operation {} holds it", now->x_op);
  return {RefusalCode::invalid_state,
          fmt::format("Invalid snapshot: Snapshot status must be available or error, and it must not belong to a group snapshot: {}.", why), now->x_op};
}

}  // namespace

Result<> delete_snapshot(Services& services, const Context& context, const Snapshot& snapshot, bool force) {
  const std::string operation = services.random.uuid();
  json::Writer event;
  event.begin_object().field("version", 1).field("snapshot_id", std::string_view{snapshot.id.text}).end_object();
  const auto accept = [&](db::Transaction& tx) -> Result<bool> {
    using enum SnapshotStatus;
    constexpr std::string_view ungrouped =
        "group_snapshot_id IS NULL AND NOT EXISTS (SELECT 1 FROM backend b WHERE b.name = snapshot.backend AND b.frozen = 1)";
    if (force)
      store::snapshots::take(tx, "snapshot.delete", snapshot.id, operation,
                             {creating, available, deleting, updating, error, error_deleting, unmanaging, backing_up, restoring}, deleting, ungrouped);
    else
      store::snapshots::take(tx, "snapshot.delete", snapshot.id, operation, {available, error}, deleting, ungrouped);
    engine::start(tx, services.kinds,
                  {.id = operation, .kind = "snapshot.delete", .queue = snapshot.backend, .backend = snapshot.backend, .project_id = snapshot.project_id,
                   .user_id = context.user_id, .request_id = context.request_id, .resource_type = "snapshot", .resource_id = snapshot.id.text,
                   .priority = engine::Priority::release, .claims = {{"snapshot", snapshot.id.text, engine::Mode::exclusive}}});
    store::outbox::add(tx, operation + ".start", "snapshot.delete.start", operation, event.text());
    return true;
  };
  const auto landed = [&](db::Transaction& tx) -> std::optional<bool> {
    if (tx.query("SELECT 1 FROM operation WHERE id = ?", {operation}).empty()) return std::nullopt;
    return true;
  };
  const auto accepted = transact_once<bool>(services, accept, [&](std::string_view) { return explain(services, snapshot.id); }, landed);
  if (!accepted) return refuse(accepted.error());
  services.poke(snapshot.backend);
  return {};
}

}  // namespace scoria::commands
