#include "reconcile/flattening.h"

#include "observe/log.h"
#include "operations/sections.h"
#include "store/chores/chores.h"
#include "store/objects/objects.h"

namespace scoria::reconcile {

bool Flattening::turn(operations::Backend& backend, const std::function<bool()>& stop) {
  if (!backend.usable() || dynamic_cast<drivers::Flattens*>(backend.driver.get()) == nullptr) return false;
  return store::chores::run_turn(services_.database, "flatten:" + backend.name, std::chrono::minutes{2}, [&](const std::string& after) -> store::chores::Next {
    const auto volumes =
        services_.database.read([&](db::Transaction& tx) { return store::objects::published_volumes(tx, backend.name, after, options_.page); });
    for (const store::objects::Object& object : volumes) {
      if (stop()) return {options_.pause, after};
      look(backend, {object.pool, object.name}, stop);
    }
    if (volumes.size() < options_.page) return {options_.period, {}};
    return {options_.pause, volumes.back().name};
  });
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
