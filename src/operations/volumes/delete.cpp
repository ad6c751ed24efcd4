#include "operations/volumes/delete.h"

#include <fmt/core.h>

#include "base/mutants.h"
#include "engine/claims.h"
#include "operations/destroy.h"
#include "operations/volumes/effects.h"
#include "store/events/outbox.h"
#include "store/attachments/attachments.h"
#include "store/objects/objects.h"
#include "store/pools/pools.h"
#include "store/snapshots/snapshots.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {

using engine::Outcome;
namespace volumes = store::volumes;

std::span<const DeleteVolume::Step> DeleteVolume::table() {
  static constexpr Step steps[] = {
      {"wait", &DeleteVolume::wait},
      {"destroy", &DeleteVolume::destroy},
  };
  return steps;
}

Outcome DeleteVolume::wait(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const VolumeId id{op.resource_id};
  const auto volume = services_.database.read_one([&](db::Transaction& tx) { return volumes::find(tx, id); });
  if (op.open_children > 0)
    return Outcome::wait("children", "its snapshots and attachments go first", [op_id = op.id](db::Transaction& tx) { engine::require_children(tx, op_id); });
  if (volume && volume->snapshots + volume->attachments > 0) return wait_for_rest(id);
  // A create that was stopped may have placed it after this operation was queued.
  if (volume && !volume->backend.empty() && volume->backend != op.queue)
    return Outcome::advance(op.context).back_to("wait").onto(volume->backend, volume->backend);
  if (volume && volume->s_ops > 0 && !MUTANT(readers_ignored))
    return Outcome::wait(engine::readers_of("volume", id.text), fmt::format("{} copies still read this volume", volume->s_ops),
                         [id, op_id = op.id](db::Transaction& tx) { engine::require_readers(tx, "volume", id.text, op_id); });
  return Outcome::advance(op.context, [id, op_id = op.id](db::Transaction& tx) {
    if (!MUTANT(readers_ignored)) volumes::require_quiet(tx, id, op_id);
    if (!MUTANT(doom_skipped)) store::objects::doom_all_of(tx, id.text);
  });
}

/// What hangs on the volume and is no child of this operation: others end it already, or it stays.
Outcome DeleteVolume::wait_for_rest(const VolumeId& id) const {
  const std::string holder = services_.database.read([&](db::Transaction& tx) -> std::string {
    for (const Snapshot& one : store::snapshots::of_volume(tx, id))
      if (!one.x_op.empty()) return one.x_op;
    for (const Attachment& one : store::attachments::of_volume(tx, id))
      if (!one.x_op.empty()) return one.x_op;
    return {};
  });
  if (holder.empty()) return Outcome::fail("snapshot_delete", "Not all of its snapshots and attachments could be ended.");
  return Outcome::wait("op:" + holder, "its snapshots and attachments go first", [holder](db::Transaction& tx) { engine::require_live(tx, holder); });
}

Outcome DeleteVolume::destroy(engine::Task& task) const {
  const auto destroyed = destroy_doomed_of(services_, task, task.operation().resource_id);
  if (!destroyed) return destroyed.error();
  return Outcome::succeed(destroyed->sections.proven([gone = destroyed->objects](db::Transaction& tx) {
    for (const store::objects::Object& object : gone) store::objects::gone(tx, object.backend, object.name);
  }));
}

void DeleteVolume::settle(db::Transaction& tx, const engine::Operation& op, const engine::Ending& ending) const {
  const VolumeId id{op.resource_id};
  if (ending.state == engine::State::succeeded) {
    const auto volume = volumes::find(tx, id);
    end_volume(tx, op);
    if (volume && volume->object_bytes > 0) store::pools::give_back(tx, volume->backend, volume->pool, volume->object_bytes, 1);
    store::outbox::add(tx, op.id + ".end", "volume.delete.end", op.id, volume_event(op));
    return;
  }
  const auto volume = volumes::find(tx, id);
  if (volume && volume->x_op != op.id) return volumes::step_back(tx, id, op.id);  // it still waited for its turn
  if (ending.state == engine::State::cancelled) return volumes::settle_back(tx, id, op.id, VolumeStatus::deleting);
  volumes::settle(tx, id, op.id, VolumeStatus::deleting, VolumeStatus::error_deleting);
}

}  // namespace scoria::operations
