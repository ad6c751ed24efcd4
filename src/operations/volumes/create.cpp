#include "operations/volumes/create.h"

#include <fmt/core.h>

#include "base/check.h"
#include "base/mutants.h"
#include "domain/volumes/shapes.h"
#include "engine/start.h"
#include "operations/bases.h"
#include "operations/places.h"
#include "operations/sections.h"
#include "operations/tell.h"
#include "operations/volumes/effects.h"
#include "operations/volumes/placement.h"
#include "operations/volumes/source.h"
#include "store/events/outbox.h"
#include "store/objects/objects.h"
#include "store/pools/pools.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {

using engine::Outcome;
using engine::State;
namespace objects = store::objects;
namespace pools = store::pools;
namespace volumes = store::volumes;

namespace {

Placement placement_of(const engine::Operation& op) {
  const auto placement = Placement::from_json(op.context);
  SCORIA_CHECK(placement, "an operation's context is unreadable");
  return *placement;
}

VolumeId volume_of(const engine::Operation& op) { return {op.resource_id}; }

}  // namespace

std::span<const CreateVolume::Step> CreateVolume::table() {
  static constexpr Step steps[] = {
      {"place", &CreateVolume::place},
      {"provision", &CreateVolume::provision},
      {"fill", &CreateVolume::fill},
  };
  return steps;
}

Outcome CreateVolume::place(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const Placement before = placement_of(op);
  auto chosen = choose_pool(services_, op, before.refused);
  if (!chosen && chosen.error().code == RefusalCode::unavailable) return Outcome::retry(chosen.error().message);
  if (!chosen) return Outcome::fail("no_backend", chosen.error().message);
  Placement placement = std::move(*chosen);
  placement.refused = before.refused;
  const objects::Object object{.backend = placement.backend, .name = placement.object, .pool = placement.pool, .owner_type = "volume",
                               .owner_id = op.resource_id, .operation = op.id, .epoch = op.epoch, .size_bytes = placement.bytes};
  return Outcome::advance(placement.to_json(),
                          [=, id = volume_of(op), op_id = op.id](db::Transaction& tx) {
                            volumes::place(tx, id, op_id, placement.backend, placement.pool, placement.bytes);
                            objects::intend(tx, object);
                            pools::take(tx, placement.backend, placement.pool, placement.bytes, 1);
                          })
      .onto(placement.backend, placement.backend);
}

/// An empty volume is made and published at once; one with a source is filled by a slot for long work.
Outcome CreateVolume::provision(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const auto input = CreateVolumeInput::from_json(op.input);
  SCORIA_CHECK(input, "an operation's input is unreadable");
  if (!input->source_type.empty()) return Outcome::advance(op.context).onto(engine::bulk(op.queue), op.backend);

  const Placement placement = placement_of(op);
  Backend* backend = services_.backends.find(placement.backend);
  if (backend == nullptr) return Outcome::retry(fmt::format("backend {} is not served by this node", placement.backend), false);
  const drivers::ObjectRef object{placement.pool, placement.object};
  drivers::Call call = call_for(task);
  const auto section = enter(*backend, drivers::Act::create, {object}, call);
  if (!section) return outcome_of(section.error(), "driver_failed_create");
  const auto made = backend->driver->create(call, object, {placement.bytes});
  if (made) return Outcome::succeed(section->proven());
  if (made.error().kind == drivers::FailureClass::no_space) {
    // The next candidate gets its chance.
    std::vector<std::string> refused = placement.refused;
    refused.push_back(placement.backend + "#" + placement.pool);
    return elsewhere(op, placement, std::move(refused));
  }
  return outcome_of(made.error(), "driver_failed_create");
}

/// The object will not do: what was promised for it goes back, and the volume is placed again, under another name.
Outcome CreateVolume::elsewhere(const engine::Operation& op, const Placement& placement, std::vector<std::string> refused) const {
  Placement next;
  next.refused = std::move(refused);
  return Outcome::advance(next.to_json(),
                          [=, id = volume_of(op), op_id = op.id](db::Transaction& tx) {
                            volumes::place(tx, id, op_id, "", "", 0);
                            objects::doom(tx, placement.backend, placement.object);
                            pools::give_back(tx, placement.backend, placement.pool, placement.bytes, 1);
                          })
      .onto(std::string(engine::scheduler_queue), "")
      .back_to("place");
}

/// The source is held S: it can be neither changed under the copy nor destroyed before its end.
Outcome CreateVolume::fill(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const Placement placement = placement_of(op);
  Backend* backend = services_.backends.find(placement.backend);
  if (backend == nullptr) return Outcome::retry(fmt::format("backend {} is not served by this node", placement.backend), false);
  auto* cloning = dynamic_cast<drivers::Snapshots*>(backend->driver.get());
  if (cloning == nullptr) return Outcome::fail("driver_failed_create", fmt::format("Backend {} cannot copy volumes.", placement.backend));
  const auto source = source_object(services_.database, op);
  if (!source) return Outcome::fail("driver_failed_create", source.error().message);

  // A volume in use is copied where its writers can be moved to an overlay.
  const auto input = CreateVolumeInput::from_json(op.input);
  SCORIA_CHECK(input, "an operation's input is unreadable");
  if (input->source_type == "volume")
    if (auto served = go_where_served(services_, task, {input->source_id})) return std::move(*served);
  const drivers::ObjectRef from{source->pool, source->object}, to{placement.pool, placement.object};
  drivers::Call call = call_for(task, std::chrono::hours{24});
  call.progress = report_progress(task, "copying");
  const auto section = enter(*backend, drivers::Act::clone, {from, to}, call);
  if (!section) return outcome_of(section.error(), "driver_failed_create");
  if (const auto filled = cloning->clone(call, from, to, {placement.bytes}); !filled) {
    if (held_by_another(*backend, call_for(task), to, filled.error())) return elsewhere(op, placement, placement.refused);
    if (filled.error().kind == drivers::FailureClass::no_space) return Outcome::fail("driver_failed_create", filled.error().message);
    return outcome_of(filled.error(), "driver_failed_create");
  }
  // Copying may have moved the source onto a new layer of its own: both sides go into the ledger.
  const auto bases = bases_of(*backend, call_for(task), {from, to});
  if (!bases) return outcome_of(bases.error(), "driver_failed_create");
  return Outcome::succeed(section->proven([=, name = backend->name](db::Transaction& tx) { record_bases(tx, name, *bases); }));
}

void CreateVolume::settle(db::Transaction& tx, const engine::Operation& op, const engine::Ending& ending) const {
  const VolumeId id = volume_of(op);
  const Placement placement = placement_of(op);
  if (ending.state == State::succeeded) {
    volumes::publish(tx, id, op.id, placement.object);
    objects::publish(tx, placement.backend, placement.object);
    if (!MUTANT(event_lost)) store::outbox::add(tx, op.id + ".end", "volume.create.end", op.id, volume_event(op));
    return;
  }
  // Cancelled for a deletion that waits: that ends the row, and everything else it may have by then.
  const auto volume = volumes::find(tx, id);
  SCORIA_CHECK(volume, "a volume vanished under its claim");
  const bool cancelled = ending.state == State::cancelled && volume->next_op.empty();
  if (placement.placed() && !cancelled) volumes::place(tx, id, op.id, "", "", 0);
  if (placement.placed()) objects::doom(tx, placement.backend, placement.object);
  if (cancelled) {
    end_volume(tx, op);
  } else {
    volumes::settle(tx, id, op.id, VolumeStatus::creating, VolumeStatus::error);
  }
  if (placement.placed() && !MUTANT(capacity_kept)) pools::give_back(tx, placement.backend, placement.pool, placement.bytes, 1);
  tell_user(tx, op, ending, "VOLUME", ending.code == "no_backend" ? MessageAction::schedule_volume : MessageAction::create_volume);
  store::outbox::add(tx, op.id + ".end", cancelled ? "volume.delete.end" : "volume.create.error", op.id, volume_event(op));
}

}  // namespace scoria::operations
