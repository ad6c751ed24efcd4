#pragma once
#include "base/clock.h"

namespace scoria {

/// Time passes only when somebody sleeps. For one thread: what is spawned runs at once.
class SleepClock final : public Clock {
 public:
  Instant now() const override { return now_; }
  void sleep(Duration time) override { now_ = now_ + time; }
  bool wait(Signal& signal, Duration timeout) override { return take(signal) || (sleep(timeout), take(signal)); }
  void spawn(std::string, std::function<void()> main) override { main(); }

 private:
  Instant now_{std::chrono::hours{1}};
};

}  // namespace scoria
