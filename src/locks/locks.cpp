#include "locks/locks.h"

#include <algorithm>

#include "base/check.h"

namespace scoria::locks {
namespace {

constexpr Duration first_pause{1'000}, longest_pause{100'000};

}  // namespace

void Held::prove(db::Transaction&) const {
  if (!valid()) throw db::GuardFailed("lock");
}

Result<std::shared_ptr<const Held>> Locks::acquire(std::vector<std::string> names, Deadline deadline) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  SCORIA_CHECK(!names.empty(), "a lock without a name");
  Duration pause = first_pause;
  while (true) {
    auto held = try_acquire(names);
    if (held && *held) return held;
    if (deadline.passed(clock_)) {
      if (!held) return held;
      return refuse(RefusalCode::conflict, "another has the lock {}", names.front());
    }
    const Duration jittered{pause.count() / 2 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(pause.count())))};
    clock_.sleep(std::min(jittered, std::max(deadline.left(clock_), Duration{1})));
    pause = std::min(pause * 2, longest_pause);
  }
}

std::unique_ptr<Locks> make_locks(const config::LockUrl& url, const std::string& scope, Clock& clock, Random& random, db::Database& database) {
  using Provider = config::LockUrl::Provider;
  const LeaseOptions leases{.lease = url.lease, .scope = scope};
  switch (url.provider) {
    case Provider::process: return make_process_locks(clock, random);
    case Provider::file: return make_host_locks(clock, random, url.directory);
    case Provider::database: return make_database_locks(clock, random, database, leases);
    case Provider::etcd: break;
  }
  return make_etcd_locks(clock, random, url.endpoints, url.ca_file, leases);
}

}  // namespace scoria::locks
