#include "operations/volumes/extend.h"

#include <fmt/core.h>

#include "base/check.h"
#include "base/mutants.h"
#include "domain/volumes/shapes.h"
#include "engine/claims.h"
#include "operations/attachments/export_spec.h"
#include "operations/places.h"
#include "operations/sections.h"
#include "operations/tell.h"
#include "operations/volumes/effects.h"
#include "store/attachments/attachments.h"
#include "store/events/outbox.h"
#include "store/messages/messages.h"
#include "store/objects/objects.h"
#include "store/pools/pools.h"
#include "store/quotas/quotas.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {

using engine::Outcome;
using engine::State;
namespace pools = store::pools;
namespace volumes = store::volumes;

namespace {

ExtendVolumeInput input_of(const engine::Operation& op) {
  const auto input = ExtendVolumeInput::from_json(op.input);
  SCORIA_CHECK(input, "an operation's input is unreadable");
  return *input;
}

/// What the pool promises in addition; bytes 0 until it is promised.
Placement promised(const engine::Operation& op) {
  const auto placement = Placement::from_json(op.context);
  SCORIA_CHECK(placement, "an operation's context is unreadable");
  return *placement;
}

constexpr int most_shows = 5;

/// The host of one attachment sees the volume as big as it is, within the limits of that size.
drivers::DriverResult<> show_size(Services& services, Backend& backend, const drivers::Call& call, const ExportSource& source) {
  const auto plan = plan_export(services, backend, call, source);
  if (!plan) return tl::unexpected(plan.error());
  if (const auto grown = services.exports->grow(call, plan->protocol, plan->spec); !grown) return tl::unexpected(grown.error());
  // Limits that a protocol does not have are nothing that a new size changes.
  const auto limited = services.exports->throttle(call, plan->protocol, plan->spec.name, plan->spec.throttle);
  if (!limited && limited.error().kind != drivers::FailureClass::permanent) return limited;
  return {};
}

}  // namespace

std::span<const ExtendVolume::Step> ExtendVolume::table() {
  static constexpr Step steps[] = {
      {"reserve", &ExtendVolume::reserve},
      {"grow", &ExtendVolume::grow},
      {"show", &ExtendVolume::show},
  };
  return steps;
}

Outcome ExtendVolume::reserve(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const VolumeId id{op.resource_id};
  struct Seen {
    std::optional<Volume> volume;
    std::vector<pools::Pool> pools;
  };
  const Seen seen = services_.database.read([&](db::Transaction& tx) { return Seen{volumes::find(tx, id), pools::all(tx)}; });
  if (!seen.volume) return Outcome::fail("driver_failed_extend", "The volume is gone.");
  // Who began to read it before must find the size it was promised; `extending` lets nobody begin.
  if (seen.volume->s_ops > 0 && !MUTANT(hasty_growth))
    return Outcome::wait(engine::readers_of("volume", id.text), fmt::format("{} copies still read this volume", seen.volume->s_ops),
                         [id, op_id = op.id](db::Transaction& tx) { engine::require_readers(tx, "volume", id.text, op_id); });
  const auto pool = std::find_if(seen.pools.begin(), seen.pools.end(),
                                 [&](const pools::Pool& one) { return one.backend == seen.volume->backend && one.name == seen.volume->pool; });
  if (pool == seen.pools.end()) return Outcome::retry(fmt::format("pool {}#{} is not reported", seen.volume->backend, seen.volume->pool));
  const Bytes wanted = round_up({std::max(from_gib(input_of(op).new_gib).count, pool->minimum_bytes)}, {pool->unit_bytes});
  const std::int64_t more = std::max<std::int64_t>(wanted.count - seen.volume->object_bytes, 0);
  if (pool->limit_bytes >= 0 && pool->allocated_bytes + more > pool->limit_bytes)
    return Outcome::fail("no_backend", fmt::format("Pool {}#{} has no room for {} GiB more.", pool->backend, pool->name, to_gib_up({more})));
  const Placement placement{seen.volume->backend, seen.volume->pool, seen.volume->provider_name, wanted.count, {}};
  return Outcome::advance(placement.to_json(), [=, volume = *seen.volume, op_id = op.id](db::Transaction& tx) {
    volumes::place(tx, volume.id, op_id, volume.backend, volume.pool, wanted.count);
    if (more > 0) pools::take(tx, volume.backend, volume.pool, more, 0);
  });
}

Outcome ExtendVolume::grow(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  const Placement placement = promised(op);
  Backend* backend = services_.backends.find(placement.backend);
  if (backend == nullptr) return Outcome::retry(fmt::format("backend {} is not served by this node", placement.backend), false);
  auto* extends = dynamic_cast<drivers::Extends*>(backend->driver.get());
  if (extends == nullptr) return Outcome::fail("driver_failed_extend", fmt::format("Backend {} cannot grow volumes.", placement.backend));
  if (auto elsewhere = go_where_served(services_, task, {op.resource_id})) return std::move(*elsewhere);
  const drivers::ObjectRef object{placement.pool, placement.object};
  drivers::Call call = call_for(task);
  const auto section = enter(*backend, drivers::Act::extend, {object}, call);
  if (!section) return outcome_of(section.error(), "driver_failed_extend");
  const auto grown = extends->extend(call, object, {placement.bytes});
  if (grown) return Outcome::advance(op.context, section->proven());
  Outcome outcome = outcome_of(grown.error(), "driver_failed_extend");
  if (outcome.action != Outcome::Action::fail) return outcome;
  const auto probe = backend->driver->probe(call_for(task), object);
  if (!probe) return Outcome::retry(probe.error().message);
  return probe->size >= Bytes{placement.bytes} ? Outcome::advance(op.context, section->proven()) : std::move(outcome);
}

Outcome ExtendVolume::show(engine::Task& task) const {
  const engine::Operation& op = task.operation();
  Backend* backend = services_.backends.find(promised(op).backend);
  if (backend == nullptr) return Outcome::retry("this node does not serve the backend", false);
  if (services_.exports == nullptr) return Outcome::succeed();
  if (auto elsewhere = go_where_served(services_, task, {op.resource_id})) return std::move(*elsewhere);
  const std::int64_t new_gib = input_of(op).new_gib;
  std::string unseen;
  for (const Attachment& one : services_.database.read([&](db::Transaction& tx) { return store::attachments::of_volume(tx, {op.resource_id}); })) {
    auto source = one.connection.empty() ? refuse(RefusalCode::not_found, "") : export_source(services_, one.id.text);
    if (!source || source->connection.type.empty()) continue;
    source->volume.size_gib = new_gib;
    const auto shown = show_size(services_, *backend, call_for(task), *source);
    if (shown) continue;
    if (shown.error().kind != drivers::FailureClass::permanent && op.attempt < most_shows) return outcome_of(shown.error(), "driver_failed_extend");
    unseen += fmt::format("{}Attachment {} shows the old size until it is made again: {}", unseen.empty() ? "" : " ", one.id.text, shown.error().message);
  }
  if (unseen.empty()) return Outcome::succeed();
  return Outcome::succeed([unseen, op](db::Transaction& tx) {
    store::messages::add(tx, {.id = op.id, .project_id = op.project_id, .request_id = op.request_id, .resource_type = "VOLUME", .resource_id = op.resource_id,
                              .action_id = action_id(MessageAction::extend_volume), .detail_id = std::string(detail_of("compute_failed_extend")),
                              .text = "The volume has grown. " + unseen});
  });
}

void ExtendVolume::settle(db::Transaction& tx, const engine::Operation& op, const engine::Ending& ending) const {
  const VolumeId id{op.resource_id};
  const ExtendVolumeInput input = input_of(op);
  const Placement placement = promised(op);
  if (ending.state == State::succeeded || op.step == "show") {  // it has grown, however the showing ended
    volumes::settle_grown(tx, id, op.id, input.new_gib, placement.bytes);
    store::objects::resize(tx, placement.backend, placement.object, placement.bytes);
    store::outbox::add(tx, op.id + ".end", "volume.resize.end", op.id, volume_event(op));
    return;
  }
  const auto volume = volumes::find(tx, id);
  SCORIA_CHECK(volume, "a volume vanished under its claim");
  volumes::settle_not_grown(tx, id, op.id, input.old_gib, input.old_bytes, ending.state == State::cancelled);
  if (!MUTANT(growth_unpaid)) store::quotas::give_back(tx, volume->charge.project, volume->charge.type, {.gigabytes = input.new_gib - input.old_gib});
  if (placement.placed() && placement.bytes > input.old_bytes)
    pools::give_back(tx, placement.backend, placement.pool, placement.bytes - input.old_bytes, 0);
  tell_user(tx, op, ending, "VOLUME", MessageAction::extend_volume);
  store::outbox::add(tx, op.id + ".end", "volume.resize.error", op.id, volume_event(op));
}

}  // namespace scoria::operations
