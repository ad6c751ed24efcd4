#include "operations/snapshots/delete.h"

#include <fmt/core.h>

#include "base/mutants.h"
#include "engine/claims.h"
#include "operations/destroy.h"
#include "operations/snapshots/effects.h"
#include "operations/tell.h"
#include "store/events/outbox.h"
#include "store/snapshots/snapshots.h"

namespace scoria::operations {

using engine::Outcome;
namespace snapshots = store::snapshots;

std::span<const DeleteSnapshot::Step> DeleteSnapshot::table() {
  static constexpr Step steps[] = {
      {"wait", &DeleteSnapshot::wait},
      {"destroy", &DeleteSnapshot::destroy},
  };
  return steps;
}

Outcome DeleteSnapshot::wait(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const SnapshotId id{op.resource_id};
  const auto snapshot = services_.database.read([&](db::Transaction& tx) { return snapshots::find(tx, id); });
  if (snapshot && snapshot->s_ops > 0 && !MUTANT(readers_ignored))
    return Outcome::wait(engine::readers_of("snapshot", id.text), fmt::format("{} copies still read this snapshot", snapshot->s_ops),
                         [id, op_id = op.id](db::Transaction& tx) { engine::require_readers(tx, "snapshot", id.text, op_id); });
  return Outcome::advance(op.context, [id, op_id = op.id](db::Transaction& tx) {
    if (!MUTANT(readers_ignored)) snapshots::require_quiet(tx, id, op_id);
    if (!MUTANT(doom_skipped)) store::objects::doom_all_of(tx, id.text);
  });
}

Outcome DeleteSnapshot::destroy(engine::Task& task) const {
  const auto destroyed = destroy_doomed_of(services_, task, task.operation().resource_id);
  if (!destroyed) return destroyed.error();
  return Outcome::succeed(destroyed->sections.proven([gone = destroyed->objects](db::Transaction& tx) {
    for (const store::objects::Object& object : gone) store::objects::gone(tx, object.backend, object.name);
  }));
}

void DeleteSnapshot::settle(db::Transaction& tx, const engine::Operation& op, const engine::Ending& ending) const {
  const SnapshotId id{op.resource_id};
  if (ending.state == engine::State::succeeded) {
    end_snapshot(tx, op);
    store::outbox::add(tx, op.id + ".end", "snapshot.delete.end", op.id, snapshot_event(op));
    return;
  }
  const auto snapshot = snapshots::find(tx, id);
  if (snapshot && snapshot->x_op != op.id) return snapshots::step_back(tx, id, op.id);  // it still waited for its turn
  if (ending.state == engine::State::cancelled) return snapshots::settle_kept(tx, id, op.id);
  tell_user(tx, op, ending, "VOLUME_SNAPSHOT", MessageAction::delete_snapshot);
  snapshots::settle(tx, id, op.id, SnapshotStatus::deleting, SnapshotStatus::error_deleting);
}

}  // namespace scoria::operations
