#include "reconcile/reaper.h"

#include "base/failpoint.h"
#include "observe/log.h"
#include "operations/bases.h"
#include "operations/sections.h"
#include "store/objects/objects.h"

namespace scoria::reconcile {

namespace objects = store::objects;

drivers::Call Reaper::call() {
  drivers::Call out;
  out.deadline = Deadline::in(services_.clock, std::chrono::minutes{1});
  out.operation = "reaper";
  return out;
}

std::size_t Reaper::sweep(operations::Backend& backend, std::size_t limit) {
  refresh_bases(backend, limit);
  probe_gone_again(backend, limit);
  return destroy_doomed(backend, limit);
}

std::size_t Reaper::destroy_doomed(operations::Backend& backend, std::size_t limit) {
  std::size_t removed = 0;
  for (const objects::Object& object : services_.database.read([&](db::Transaction& tx) { return objects::destroyable(tx, backend.name, limit); })) {
    FAILPOINT("reconcile.reaper.before_destroy");
    const drivers::ObjectRef ref{object.pool, object.name};
    drivers::Call removing = call();
    const auto section = operations::enter(backend, drivers::Act::remove, {ref}, removing);
    const auto gone = section ? backend.driver->remove(removing, ref) : tl::unexpected(section.error());
    if (!gone) {
      log::debug("reconcile", {.resource = object.name}, "not removed yet: {}", gone.error().message);
      continue;
    }
    FAILPOINT("reconcile.reaper.destroyed");
    services_.database.write(section->proven([&](db::Transaction& tx) { objects::gone(tx, object.backend, object.name); }));
    ++removed;
  }
  return removed;
}

void Reaper::probe_gone_again(operations::Backend& backend, std::size_t limit) {
  for (const objects::Object& object : services_.database.read([&](db::Transaction& tx) { return objects::to_recheck(tx, backend.name, limit); })) {
    const auto probe = backend.driver->probe(call(), {object.pool, object.name});
    if (!probe) continue;
    const bool present = probe->presence == drivers::Presence::complete || probe->presence == drivers::Presence::partial;
    if (present) log::warning("reconcile", {.resource = object.name}, "made again after it was removed (a late call of a paused process): doomed again");
    services_.database.write([&](db::Transaction& tx) { objects::rechecked(tx, object.backend, object.name, present); });
  }
}

/// Children that were flattened no longer hang on a doomed base: the ledger learns it here.
void Reaper::refresh_bases(operations::Backend& backend, std::size_t limit) {
  for (const objects::Object& child : services_.database.read([&](db::Transaction& tx) { return objects::children_of_doomed(tx, backend.name, limit); })) {
    const auto bases = operations::bases_of(backend, call(), {drivers::ObjectRef{child.pool, child.name}});
    if (!bases || bases->front().second == child.base) continue;
    services_.database.write([&](db::Transaction& tx) { operations::record_bases(tx, backend.name, *bases); });
  }
}

}  // namespace scoria::reconcile
