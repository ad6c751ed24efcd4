#include "app/owners.h"

#include <fmt/core.h>

#include <algorithm>

#include "observe/log.h"

namespace scoria::app {
namespace {

namespace services = store::services;
// Who waits for a lease to end looks often; who has nothing to wait for, only whether it still is so.
constexpr Duration waiting_looks = std::chrono::milliseconds{200}, calm_looks = std::chrono::seconds{1};

/// Why the nodes of this backend may not work on it at once; empty: they may. One node that cannot is enough.
std::string why_alone(const operations::Backend& backend, const std::vector<services::Activity>& all) {
  if (!backend.unproven.empty()) return backend.unproven;
  for (const services::Activity& one : all)
    if (one.backend == backend.name && one.host != backend.host && one.up && !one.unproven.empty()) return fmt::format("{}: {}", one.host, one.unproven);
  return {};
}

/// Does a living node still work on it as if together? It will see soon that it may not.
bool others_at_once(const operations::Backend& backend, const std::vector<services::Activity>& all) {
  return std::any_of(all.begin(), all.end(), [&](const services::Activity& one) {
    return one.backend == backend.name && one.host != backend.host && one.up && (one.activity.empty() || one.activity == services::active_active);
  });
}

}  // namespace

// Shorter than a node's own lease: the next owner is there when the dead node's operations come back.
Owners::Owners(operations::Services& all, Reporter& reporter, Duration node_lease)
    : services_(all),
      reporter_(reporter),
      leases_(locks::make_database_locks(all.clock, all.random, all.database, {.lease = node_lease * 3 / 4})),
      threads_(all.clock) {
  for (operations::Backend* backend : services_.backends.all())
    if (!backend->cluster.empty()) backend->ownership.set("not decided yet", nullptr);
}

void Owners::look() {
  try {
    const auto backends = services_.backends.all();
    if (std::none_of(backends.begin(), backends.end(), [](const operations::Backend* one) { return !one->cluster.empty(); })) return;
    const auto all = services_.database.read_one([](db::Transaction& tx) { return services::activities(tx); });
    for (operations::Backend* backend : backends)
      if (!backend->cluster.empty()) look_at(*backend, all);
  } catch (const std::exception& failure) {
    log::warning("backend", {}, "who owns backends: {}", failure.what());
  }
}

void Owners::look_at(operations::Backend& backend, const std::vector<services::Activity>& all) {
  const bool before = backend.ownership.ours();
  const std::string before_why = backend.ownership.why();
  const auto held = backend.ownership.lease();
  if (held != nullptr && held->valid() && !backend.unproven.empty()) return;  // nothing can change that but the lease's end
  const std::string why = why_alone(backend, all);
  if (why.empty()) {
    backend.ownership.set({}, nullptr);
  } else if (held == nullptr || !held->valid()) {
    backend.ownership.set(why, nullptr);
    if (!others_at_once(backend, all)) take(backend, why);
  }
  if (before == backend.ownership.ours() && before_why == backend.ownership.why()) return;
  if (why.empty())
    log::info("backend", {.resource = backend.name}, "all nodes that serve it work on it at once");
  else
    log::info("backend", {.resource = backend.name}, "{}: {}", backend.ownership.ours() ? "this node owns it" : "another node owns it", why);
  reporter_.owner_changed(backend);
}

void Owners::take(operations::Backend& backend, const std::string& why) {
  // A node that does not know the new name yet owns it under an old one.
  std::vector<std::string> names = {"owner:" + backend.name};
  for (const auto& [old_name, now] : services_.database.read_one([](db::Transaction& tx) { return store::backends::old_names(tx); }))
    if (now.name == backend.name) names.push_back("owner:" + old_name);
  auto lease = leases_->acquire(names, Deadline{Instant{}});
  if (lease) backend.ownership.set(why, std::move(*lease));
}

void Owners::start() {
  threads_.spawn("owners", [this] {
    while (!stopping_) {
      const auto all = services_.backends.all();
      const bool waiting = std::any_of(all.begin(), all.end(), [](const operations::Backend* one) { return !one->ownership.ours(); });
      services_.clock.wait(stop_, waiting ? waiting_looks : calm_looks);
      if (!stopping_) look();
    }
  });
}

void Owners::stop() {
  stopping_ = true;
  stop_.raise();
  threads_.wait();
}

void Owners::release() {
  for (operations::Backend* backend : services_.backends.all())
    if (backend->ownership.lease() != nullptr) backend->ownership.set("given back", nullptr);
  leases_->stop();
}

}  // namespace scoria::app
