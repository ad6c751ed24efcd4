#include "db/engines/sqlite/steady_time.h"

namespace scoria::db::sqlite {
namespace {

constexpr int slowness = 20;
constexpr Duration shortest = std::chrono::milliseconds{10};  // below it the twentieth is mostly rounding

}  // namespace

Timestamp SteadyTime::now() {
  const std::lock_guard lock(mutex_);
  const Instant instant = clock_.now();
  const Duration passed = std::max(instant - at_, Duration::zero());
  const Timestamp steady = time_ + passed;
  if (passed < shortest) return steady;
  time_ = steady + std::clamp(clock_.wall() - steady, -passed / slowness, passed / slowness);
  at_ = instant;
  return time_;
}

}  // namespace scoria::db::sqlite
