#include "operations/volumes/revert.h"

#include <fmt/core.h>

#include "base/check.h"
#include "domain/volumes/shapes.h"
#include "engine/claims.h"
#include "operations/bases.h"
#include "operations/sections.h"
#include "operations/volumes/effects.h"
#include "store/events/outbox.h"
#include "store/objects/objects.h"
#include "store/pools/pools.h"
#include "store/snapshots/snapshots.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {

using engine::Outcome;
namespace objects = store::objects;
namespace volumes = store::volumes;

namespace {

std::string snapshot_of(const engine::Operation& op) {
  const auto input = RevertVolumeInput::from_json(op.input);
  SCORIA_CHECK(input, "an operation's input is unreadable");
  return input->snapshot_id;
}

Placement placement_of(const engine::Operation& op) {
  const auto placement = Placement::from_json(op.context);
  SCORIA_CHECK(placement, "an operation's context is unreadable");
  return *placement;
}

}  // namespace

std::span<const RevertVolume::Step> RevertVolume::table() {
  static constexpr Step steps[] = {
      {"wait", &RevertVolume::wait},
      {"name", &RevertVolume::choose_name},
      {"fill", &RevertVolume::fill},
  };
  return steps;
}

Outcome RevertVolume::wait(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const VolumeId id{op.resource_id};
  const auto volume = services_.database.read([&](db::Transaction& tx) { return volumes::find(tx, id); });
  if (volume && volume->s_ops > 0)
    return Outcome::wait(engine::readers_of("volume", id.text), fmt::format("{} copies still read this volume", volume->s_ops),
                         [id, op_id = op.id](db::Transaction& tx) { engine::require_readers(tx, "volume", id.text, op_id); });
  return Outcome::advance(op.context, [id, op_id = op.id](db::Transaction& tx) { volumes::require_quiet(tx, id, op_id); });
}

Outcome RevertVolume::choose_name(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const auto placement = services_.database.read([&](db::Transaction& tx) -> std::optional<Placement> {
    const auto volume = volumes::find(tx, {op.resource_id});
    if (!volume) return std::nullopt;
    return Placement{volume->backend, volume->pool, objects::next_name(tx, "volume", op.resource_id), volume->object_bytes, {}};
  });
  if (!placement) return Outcome::fail("unknown", "The volume is gone.");
  const objects::Object object{.backend = placement->backend, .name = placement->object, .pool = placement->pool, .owner_type = "volume",
                               .owner_id = op.resource_id, .operation = op.id, .epoch = op.epoch, .size_bytes = placement->bytes};
  return Outcome::advance(placement->to_json(), [object](db::Transaction& tx) { objects::intend(tx, object); }).onto(engine::bulk(op.queue), op.backend);
}

Outcome RevertVolume::fill(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const Placement placement = placement_of(op);
  Backend* backend = services_.backends.find(placement.backend);
  if (backend == nullptr) return Outcome::retry(fmt::format("backend {} is not served by this node", placement.backend), false);
  auto* cloning = dynamic_cast<drivers::Snapshots*>(backend->driver.get());
  if (cloning == nullptr) return Outcome::fail("unknown", fmt::format("Backend {} cannot copy volumes.", placement.backend));
  const auto snapshot = services_.database.read([&](db::Transaction& tx) { return store::snapshots::find(tx, {snapshot_of(op)}); });
  if (!snapshot) return Outcome::fail("unknown", "The snapshot is gone.");
  const drivers::ObjectRef from{snapshot->pool, snapshot->provider_name}, to{placement.pool, placement.object};
  drivers::Call call = call_for(task, std::chrono::hours{24});
  call.progress = report_progress(task, "copying");
  const auto section = enter(*backend, drivers::Act::clone, {from, to}, call);
  if (!section) return outcome_of(section.error(), "unknown");
  if (const auto filled = cloning->clone(call, from, to, {placement.bytes}); !filled) {
    if (!held_by_another(*backend, call_for(task), to, filled.error())) return outcome_of(filled.error(), "unknown");
    return Outcome::advance(Placement{}.to_json(), [placement](db::Transaction& tx) { objects::doom(tx, placement.backend, placement.object); })
        .onto(op.backend, op.backend)
        .back_to("name");
  }
  const auto bases = bases_of(*backend, call_for(task), {to});
  if (!bases) return outcome_of(bases.error(), "unknown");
  return Outcome::succeed(section->proven([=, name = backend->name](db::Transaction& tx) { record_bases(tx, name, *bases); }));
}

void RevertVolume::settle(db::Transaction& tx, const engine::Operation& op, const engine::Ending& ending) const {
  const VolumeId id{op.resource_id};
  const Placement placement = placement_of(op);
  if (ending.state == engine::State::succeeded) {
    const auto volume = volumes::find(tx, id);
    SCORIA_CHECK(volume, "a volume vanished under its claim");
    volumes::settle_flipped(tx, id, op.id, VolumeStatus::reverting, placement.object);
    objects::doom(tx, placement.backend, volume->provider_name);
    objects::publish(tx, placement.backend, placement.object);
  } else {
    volumes::settle_back(tx, id, op.id, VolumeStatus::reverting);
    if (placement.placed()) objects::doom(tx, placement.backend, placement.object);
  }
  store::snapshots::settle(tx, {snapshot_of(op)}, op.id, SnapshotStatus::restoring, SnapshotStatus::available);
  store::outbox::add(tx, op.id + ".end", ending.state == engine::State::succeeded ? "volume.revert.end" : "volume.revert.error", op.id, volume_event(op));
}

}  // namespace scoria::operations
