#include "commands/snapshots/delete.h"

#include <fmt/core.h>

#include "commands/make_way.h"
#include "commands/snapshots/deletion.h"
#include "commands/try_once.h"
#include "domain/events.h"
#include "engine/start.h"
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

engine::NewOperation deletion_of(const std::string& id, const Context& context, const Snapshot& snapshot) {
  return {.id = id, .kind = "snapshot.delete", .queue = snapshot.backend, .backend = snapshot.backend, .project_id = snapshot.project_id,
          .user_id = context.user_id, .request_id = context.request_id, .resource_type = "snapshot", .resource_id = snapshot.id.text,
          .priority = engine::Priority::release, .claims = {{"snapshot", snapshot.id.text, engine::Mode::exclusive}}};
}

void start(db::Transaction& tx, const Services& services, const engine::NewOperation& deletion, engine::Launch* launch = nullptr) {
  engine::start(tx, services.kinds, deletion, launch);
  const ResourceEvent event{.volume_id = {}, .snapshot_id = deletion.resource_id, .project_id = deletion.project_id, .user_id = deletion.user_id,
                            .request_id = deletion.request_id, .operation = deletion.id};
  store::outbox::add(tx, deletion.id + ".start", "snapshot.delete.start", deletion.id, event.to_json());
}

/// Whatever its status: what works on it is asked to stop first.
Result<> delete_by_force(Services& services, const Context& context, const SnapshotId& id) {
  const std::string operation = services.random.uuid();
  for (int tries = 0; tries < most_tries; ++tries) {
    if (tries > 0 && accepted_before(services, operation)) return {};
    const auto seen = services.database.read([&](db::Transaction& tx) { return store::snapshots::find(tx, id); });
    if (!seen || !seen->group_snapshot_id.empty() || services.database.read([&](db::Transaction& tx) { return store::services::frozen(tx, seen->backend); }))
      return refuse(explain(services, id));
    const auto done = try_once(services, [&](db::Transaction& tx) -> Result<bool> {
      const auto begun = begin_deletion(tx, services, context, *seen, operation, {});
      if (!begun) return refuse(begun.error());
      return true;
    });
    if (!done) continue;
    if (!*done && done->error().detail != "joined") return refuse(done->error());
    services.poke(seen->backend);
    return {};
  }
  return refuse(RefusalCode::conflict, "Snapshot {} changes too fast; try again.", id.text);
}

}  // namespace

Result<> begin_deletion(db::Transaction& tx, Services& services, const Context& context, const Snapshot& seen, const std::string& operation,
                        const std::string& parent) {
  engine::NewOperation deletion = deletion_of(operation, context, seen);
  deletion.parent = parent;
  if (seen.x_op.empty()) {
    store::snapshots::take(tx, "snapshot.seen", seen.id, operation, {seen.status}, SnapshotStatus::deleting, fmt::format("rev = {}", seen.rev));
  } else {
    const MakeWay way = make_way(tx, services, seen.x_op);
    if (way == MakeWay::deletes || !seen.next_op.empty()) return refuse(Refusal{RefusalCode::conflict, seen.x_op, "joined"});
    if (way == MakeWay::ended) return refuse(Refusal{RefusalCode::conflict, "moving", "again"});
    store::snapshots::queue_behind(tx, "snapshot.seen", seen, operation);
    deletion.waits_on = "op:" + seen.x_op;
  }
  start(tx, services, deletion);
  return {};
}

Result<> delete_snapshot(Services& services, const Context& context, const Snapshot& snapshot, bool force) {
  if (force) return delete_by_force(services, context, snapshot.id);
  const std::string operation = services.random.uuid();
  engine::Launch launch(services.berths, operation, snapshot.backend);
  const auto accept = [&](db::Transaction& tx) -> Result<bool> {
    store::snapshots::take(tx, "snapshot.delete", snapshot.id, operation, {SnapshotStatus::available, SnapshotStatus::error}, SnapshotStatus::deleting,
                           "group_snapshot_id IS NULL AND NOT EXISTS (SELECT 1 FROM backend b WHERE b.name = snapshot.backend AND b.frozen = 1)");
    store::snapshots::require_at(tx, snapshot);
    start(tx, services, deletion_of(operation, context, snapshot), &launch);
    return true;
  };
  const auto landed = [&](db::Transaction& tx) -> std::optional<bool> {
    if (tx.query("SELECT 1 FROM operation WHERE id = ?", {operation}).empty()) return std::nullopt;
    return true;
  };
  const auto accepted = launch_once<bool>(services, launch, accept, [&](std::string_view) { return explain(services, snapshot.id); }, landed);
  if (!accepted) return refuse(accepted.error());
  return {};
}

}  // namespace scoria::commands
