#pragma once
#include <mutex>

#include "base/clock.h"

namespace scoria::db::sqlite {

/// The clock of a database that has no machine of its own. It begins at the wall clock's time and then goes with the monotonic
/// clock, so that a step of the wall clock neither turns round the order of what is written nor ends what has a time limit; it
/// nears the wall clock by a twentieth of the time that passes, at most. Never goes back. Thread-safe.
class SteadyTime {
 public:
  explicit SteadyTime(const Clock& clock) : clock_(clock), time_(clock.wall()), at_(clock.now()) {}
  Timestamp now();

 private:
  const Clock& clock_;
  std::mutex mutex_;
  Timestamp time_;  // guarded by mutex_: what it was at at_
  Instant at_;      // guarded by mutex_
};

}  // namespace scoria::db::sqlite
