#include "operations/destroy.h"

#include <fmt/core.h>

#include "base/mutants.h"

namespace scoria::operations {

tl::expected<std::vector<store::objects::Object>, engine::Outcome> destroy_doomed_of(Services& services, engine::Task& task, const std::string& owner_id) {
  std::vector<store::objects::Object> out;
  const auto doomed = services.database.read([&](db::Transaction& tx) {
    return MUTANT(doom_skipped) ? store::objects::of_owner(tx, owner_id) : store::objects::destroyable_of(tx, owner_id);
  });
  for (const store::objects::Object& object : doomed) {
    Backend* backend = services.backends.find(object.backend);
    if (backend == nullptr) return tl::unexpected(engine::Outcome::retry(fmt::format("backend {} is not served by this node", object.backend), false));
    const auto removed = backend->driver->remove(call_for(task), {object.pool, object.name});
    // A removal is never given up: what cannot be removed now is tried again, and the reason is shown.
    if (!removed && removed.error().kind == drivers::FailureClass::permanent) return tl::unexpected(engine::Outcome::retry(removed.error().message));
    if (!removed) return tl::unexpected(outcome_of(removed.error(), "driver_failed_delete"));
    out.push_back(object);
  }
  return out;
}

}  // namespace scoria::operations
