#include "operations/snapshots/create.h"

#include <fmt/core.h>

#include "base/check.h"
#include "domain/volumes/shapes.h"
#include "operations/bases.h"
#include "operations/places.h"
#include "operations/sections.h"
#include "operations/snapshots/effects.h"
#include "operations/tell.h"
#include "store/events/outbox.h"
#include "store/objects/objects.h"
#include "store/snapshots/snapshots.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {

using engine::Outcome;
namespace objects = store::objects;
namespace snapshots = store::snapshots;

std::span<const CreateSnapshot::Step> CreateSnapshot::table() {
  static constexpr Step steps[] = {
      {"name", &CreateSnapshot::choose_name},
      {"take", &CreateSnapshot::take},
  };
  return steps;
}

Outcome CreateSnapshot::choose_name(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  Placement placement;
  std::string base;
  services_.database.read([&](db::Transaction& tx) {
    const auto snapshot = snapshots::find(tx, {op.resource_id});
    if (!snapshot) return false;
    const auto volume = store::volumes::find(tx, snapshot->volume_id);
    if (!volume) return false;
    placement = {volume->backend, volume->pool, objects::next_name(tx, "snapshot", op.resource_id), volume->object_bytes, {}};
    base = volume->provider_name;
    return true;
  });
  if (!placement.placed()) return Outcome::fail("snapshot_create", "The volume of this snapshot is gone.");
  const objects::Object object{.backend = placement.backend, .name = placement.object, .pool = placement.pool, .owner_type = "snapshot",
                               .owner_id = op.resource_id, .operation = op.id, .epoch = op.epoch, .size_bytes = placement.bytes};
  return Outcome::advance(placement.to_json(), [object](db::Transaction& tx) { objects::intend(tx, object); });
}

Outcome CreateSnapshot::take(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const auto placement = Placement::from_json(op.context);
  SCORIA_CHECK(placement, "an operation's context is unreadable");
  Backend* backend = services_.backends.find(placement->backend);
  if (backend == nullptr) return Outcome::retry(fmt::format("backend {} is not served by this node", placement->backend), false);
  auto* snapshotting = dynamic_cast<drivers::Snapshots*>(backend->driver.get());
  if (snapshotting == nullptr) return Outcome::fail("snapshot_create", fmt::format("Backend {} cannot take snapshots.", placement->backend));
  const auto volume = services_.database.read([&](db::Transaction& tx) {
    const auto snapshot = snapshots::find(tx, {op.resource_id});
    return snapshot ? store::volumes::find(tx, snapshot->volume_id) : std::nullopt;
  });
  if (!volume) return Outcome::fail("snapshot_create", "The volume of this snapshot is gone.");
  const drivers::ObjectRef from{placement->pool, volume->provider_name}, to{placement->pool, placement->object};
  if (auto elsewhere = go_where_served(services_, task, volume->id)) return std::move(*elsewhere);
  // Mostly a moment, but a backend may first have to merge what the volume consists of.
  drivers::Call call = call_for(task);
  call.progress = report_progress(task, "taking");
  const auto section = enter(*backend, drivers::Act::snapshot, {from, to}, call);
  if (!section) return outcome_of(section.error(), "snapshot_create");
  if (const auto taken = snapshotting->snapshot(call, from, to); !taken) return outcome_of(taken.error(), "snapshot_create");
  // Where blocks are not shared the volume now hangs on its snapshot: the ledger must know before anything may go.
  const auto bases = bases_of(*backend, call_for(task), {from, to});
  if (!bases) return outcome_of(bases.error(), "snapshot_create");
  return Outcome::succeed(section->proven([=, name = backend->name](db::Transaction& tx) { record_bases(tx, name, *bases); }));
}

void CreateSnapshot::settle(db::Transaction& tx, const engine::Operation& op, const engine::Ending& ending) const {
  const SnapshotId id{op.resource_id};
  const auto placement = Placement::from_json(op.context);
  SCORIA_CHECK(placement, "an operation's context is unreadable");
  if (ending.state == engine::State::succeeded) {
    snapshots::publish(tx, id, op.id, placement->object);
    objects::publish(tx, placement->backend, placement->object);
    store::outbox::add(tx, op.id + ".end", "snapshot.create.end", op.id, snapshot_event(op));
    return;
  }
  if (placement->placed()) objects::doom(tx, placement->backend, placement->object);
  // Cancelled for a deletion that waits: that ends the row.
  const auto snapshot = snapshots::find(tx, id);
  SCORIA_CHECK(snapshot, "a snapshot vanished under its claim");
  const bool cancelled = ending.state == engine::State::cancelled && snapshot->next_op.empty();
  if (cancelled)
    end_snapshot(tx, op);
  else
    snapshots::settle(tx, id, op.id, SnapshotStatus::creating, SnapshotStatus::error);
  tell_user(tx, op, ending, "VOLUME_SNAPSHOT", MessageAction::create_snapshot);
  store::outbox::add(tx, op.id + ".end", cancelled ? "snapshot.delete.end" : "snapshot.create.error", op.id, snapshot_event(op));
}

}  // namespace scoria::operations
