#include "locks/leases.h"

#include <algorithm>

#include "base/failpoint.h"
#include "observe/log.h"

namespace scoria::locks {

Result<std::shared_ptr<const Held>> LeasedLocks::try_acquire(const std::vector<std::string>& names) {
  Lease lease{.names = names, .holder = random_.uuid()};
  const Instant sent = clock_.now();
  try {
    FAILPOINT("locks.take");
    if (!take(lease)) return nullptr;
    FAILPOINT("locks.taken");
  } catch (const std::runtime_error& failure) {
    // Whether it is ours nobody knows: it is given back by its holder's name, or runs out.
    keep(std::move(lease), sent);
    wake_->raise();
    return refuse(RefusalCode::unavailable, "the locks do not answer: {}", failure.what());
  }
  return hand_out(keep(std::move(lease), sent), wake_);
}

std::shared_ptr<LeasedLocks::Kept> LeasedLocks::keep(Lease lease, Instant sent) {
  auto kept = std::make_shared<Kept>(std::move(lease), clock_);
  kept->until = reliable_until(sent).since_boot.count();
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    kept_.push_back(kept);
    first = !std::exchange(running_, true);
  }
  if (first) threads_.spawn("locks", [this] { keeper(); });
  return kept;
}

void LeasedLocks::stop() {
  stopping_ = true;
  wake_->raise();
  threads_.wait();
}

void LeasedLocks::keeper() {
  const Duration period = options_.lease / 4;
  Instant next = clock_.now() + period;
  while (true) {
    const bool last = stopping_;
    release_abandoned();
    if (last) return;
    if (clock_.now() >= next) {
      next = clock_.now() + period;
      renew_all();
    }
    clock_.wait(*wake_, std::max(next - clock_.now(), Duration::zero()));
  }
}

void LeasedLocks::renew_all() {
  std::vector<std::shared_ptr<Kept>> held;
  {
    const std::lock_guard lock(mutex_);
    held = kept_;
  }
  for (const auto& one : held) {
    if (one->lost) continue;
    const Instant sent = clock_.now();
    try {
      FAILPOINT("locks.renew");
      if (renew(one->lease)) {
        one->until = reliable_until(sent).since_boot.count();
        continue;
      }
      one->lost = true;
      log::warning("locks", {}, "lost the lock {}: it was not renewed in time", one->lease.names.front());
    } catch (const std::runtime_error& failure) {  // the next turn tries again, as long as there is time
      log::warning("locks", {}, "renewing {}: {}", one->lease.names.front(), failure.what());
    }
  }
  held.clear();
  release_abandoned();  // what was let go meanwhile had one owner more
}

void LeasedLocks::release_abandoned() {
  std::vector<std::shared_ptr<Kept>> over;
  {
    const std::lock_guard lock(mutex_);
    const auto abandoned = std::stable_partition(kept_.begin(), kept_.end(), [](const auto& one) { return one.use_count() > 1; });
    over.assign(std::make_move_iterator(abandoned), std::make_move_iterator(kept_.end()));
    kept_.erase(abandoned, kept_.end());
  }
  for (const auto& one : over) {
    try {
      FAILPOINT("locks.release");
      release(one->lease);
    } catch (const std::runtime_error& failure) {  // it runs out
      log::debug("locks", {}, "giving back {}: {}", one->lease.names.front(), failure.what());
    }
  }
}

}  // namespace scoria::locks
