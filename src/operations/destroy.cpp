#include "operations/destroy.h"

#include <fmt/core.h>

#include "base/mutants.h"

namespace scoria::operations {

namespace {

/// A removal is never given up: what cannot be removed now is tried again, and the reason is shown.
engine::Outcome not_yet(const drivers::DriverError& error) {
  if (error.kind == drivers::FailureClass::permanent) return engine::Outcome::retry(error.message);
  return outcome_of(error, "driver_failed_delete");
}

}  // namespace

tl::expected<Destroyed, engine::Outcome> destroy_doomed_of(Services& services, engine::Task& task, const std::string& owner_id) {
  std::map<std::string, std::vector<store::objects::Object>> doomed;  // by backend: their sections are entered once
  for (store::objects::Object& object : services.database.read([&](db::Transaction& tx) {
         return MUTANT(doom_skipped) ? store::objects::of_owner(tx, owner_id) : store::objects::destroyable_of(tx, owner_id);
       }))
    doomed[object.backend].push_back(std::move(object));
  Destroyed out;
  for (auto& [name, objects] : doomed) {
    Backend* backend = services.backends.find(name);
    if (backend == nullptr) return tl::unexpected(engine::Outcome::retry(fmt::format("backend {} is not served by this node", name), false));
    std::vector<drivers::ObjectRef> refs;
    for (const store::objects::Object& object : objects) refs.push_back({object.pool, object.name});
    drivers::Call call = call_for(task);
    const auto section = enter(*backend, drivers::Act::remove, refs, call);
    if (!section) return tl::unexpected(not_yet(section.error()));
    out.sections.add(*section);
    for (const drivers::ObjectRef& ref : refs)
      if (const auto removed = backend->driver->remove(call, ref); !removed) return tl::unexpected(not_yet(removed.error()));
    out.objects.insert(out.objects.end(), std::make_move_iterator(objects.begin()), std::make_move_iterator(objects.end()));
  }
  return out;
}

}  // namespace scoria::operations
