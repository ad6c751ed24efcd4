#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"

namespace scoria {

/// Something happened: raised by one thread, waited for by another through a Clock. Remembers one raise; a wait that
/// returns true takes it back. Any thread may raise.
class Signal {
 public:
  Signal() = default;
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  void raise();

 private:
  friend class Clock;
  std::atomic<std::uint32_t> state_{0};  // bit 0: raised; above it: how many wait
};

/// All time, and all waiting, come through here, so that a whole cluster can run under a simulated clock. Nothing else
/// in Scoria may sleep, block on a condition or start a thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() const = 0;
  /// UTC as this machine believes it: only for what other services say (expiry of tokens and certificates, HTTP dates).
  /// Leases and stored times take the database's clock. A clock that is not told better counts from a fixed day.
  virtual Timestamp wall() const { return Timestamp{1'767'225'600'000'000} + now().since_boot; }
  virtual void sleep(Duration time) = 0;
  /// Waits until `signal` is raised or `timeout` has passed; true if it was raised. No lock may be held.
  virtual bool wait(Signal& signal, Duration timeout) = 0;
  /// Runs `main` on a thread of its own that ends before join_all() returns. `main` must end by itself when its owner stops.
  virtual void spawn(std::string name, std::function<void()> main) = 0;

 protected:
  static bool take(Signal& signal);
  static bool wait_really(Signal& signal, Duration timeout);
};

/// The machine's clock and real threads.
class SystemClock final : public Clock {
 public:
  ~SystemClock() override;
  Instant now() const override;
  Timestamp wall() const override;
  void sleep(Duration time) override;
  bool wait(Signal& signal, Duration timeout) override { return wait_really(signal, timeout); }
  void spawn(std::string name, std::function<void()> main) override;
  /// Waits until every spawned thread has ended.
  void join_all();

 private:
  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

/// A moment after which an effort is given up. Passed by value through every call that may block.
struct Deadline {
  Instant at = never;
  static Deadline in(const Clock& clock, Duration time) { return {clock.now() + time}; }
  Duration left(const Clock& clock) const { return at == never ? Duration{std::chrono::hours{24}} : std::max(at - clock.now(), Duration::zero()); }
  bool passed(const Clock& clock) const { return at != never && clock.now() >= at; }
  Deadline sooner(Deadline other) const { return at < other.at ? *this : other; }
};

}  // namespace scoria
