#include "reconcile/flattening.h"

#include "observe/log.h"
#include "operations/sections.h"
#include "store/chores/chores.h"
#include "operations/places.h"
#include "store/objects/objects.h"
#include "store/portals/portals.h"

namespace scoria::reconcile {

bool Flattening::turn(operations::Backend& backend, const std::function<bool()>& stop) {
  if (!backend.usable() || dynamic_cast<drivers::Flattens*>(backend.driver.get()) == nullptr) return false;
  // Where exports move, each machine sees to the volumes that it serves.
  const bool moves = services_.places != nullptr && !backend.cluster.empty();
  const std::string name = "flatten:" + backend.name + (moves ? ":" + services_.places->home() : "");
  return store::chores::run_turn(services_.database, name, std::chrono::minutes{2}, [&](const std::string& after) -> store::chores::Next {
    const auto volumes =
        services_.database.read([&](db::Transaction& tx) { return store::objects::published_volumes(tx, backend.name, after, options_.page); });
    for (const store::objects::Object& object : volumes) {
      if (stop()) return {options_.pause, after};
      if (!moves || ours(object.owner_id)) look(backend, {object.pool, object.name}, stop);
    }
    if (volumes.size() < options_.page) return {options_.period, {}};
    return {options_.pause, volumes.back().name};
  });
}

/// Served here, or by nobody.
bool Flattening::ours(const std::string& volume_id) const {
  const auto place = services_.database.read_one([&](db::Transaction& tx) { return store::portals::place_of(tx, {volume_id}); });
  return !place || !place->used || services_.places->serves(place->name);
}

void Flattening::look(operations::Backend& backend, const drivers::ObjectRef& object, const std::function<bool()>& stop) {
  drivers::Call call;
  call.deadline = Deadline::in(services_.clock, options_.longest);
  call.operation = "flattening";
  call.stop = stop;
  const auto before = backend.driver->probe(call, object);
  if (!before || !before->wants_flatten) return;
  const Instant began = services_.clock.now();
  const auto section = operations::enter(backend, drivers::Act::flatten, {object}, call);
  const auto done = section ? dynamic_cast<drivers::Flattens&>(*backend.driver).flatten(call, object) : tl::unexpected(section.error());
  const auto after = backend.driver->probe(call, object);
  const auto seconds = std::chrono::duration<double>(services_.clock.now() - began).count();
  if (!done)
    log::info("reconcile", {.resource = object.name}, "not flattened now: {}", done.error().message);
  else if (after && after->layers < before->layers)
    log::info("reconcile", {.resource = object.name}, "flattened from {} layers to {} in {:.1f} s", before->layers, after->layers, seconds);
}

}  // namespace scoria::reconcile
