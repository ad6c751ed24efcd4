#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace scoria {

/// Of all who want the same thing at the same time one fetches it, and all get what came back. Thread-safe; waits
/// through the Clock and holds no lock while it does.
template <class T>
class SingleFlight {
 public:
  explicit SingleFlight(Clock& clock) : clock_(clock) {}

  /// Runs `work` unless somebody is at this key already; then their result, or `unavailable` once the deadline passed. What
  /// `work` throws passes through to its own caller; those who waited are refused `unavailable`.
  Result<T> run(const std::string& key, Deadline deadline, const std::function<Result<T>()>& work) {
    const auto [flight, first] = join(key);
    if (!first) return wait(*flight, deadline);
    const Landing landing{*this, key, *flight};
    Result<T> outcome = work();
    {
      const std::lock_guard lock(mutex_);
      flight->outcome = outcome;
    }
    return outcome;
  }

 private:
  struct Flight {
    std::optional<Result<T>> outcome;
    bool landed = false;
    std::vector<Signal*> waiting;
  };

  struct Landing {
    SingleFlight& owner;
    const std::string& key;
    Flight& flight;
    ~Landing() {
      const std::lock_guard lock(owner.mutex_);
      flight.landed = true;
      // Under the lock: a waiter takes its signal away under the lock too, so each is still there.
      for (Signal* signal : flight.waiting) signal->raise();
      owner.flights_.erase(key);
    }
  };

  struct Waiter {
    SingleFlight& owner;
    Flight& flight;
    Signal signal;
    ~Waiter() {
      const std::lock_guard lock(owner.mutex_);
      flight.waiting.erase(std::remove(flight.waiting.begin(), flight.waiting.end(), &signal), flight.waiting.end());
    }
  };

  std::pair<std::shared_ptr<Flight>, bool> join(const std::string& key) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Flight>& flight = flights_[key];
    const bool first = flight == nullptr;
    if (first) flight = std::make_shared<Flight>();
    return {flight, first};
  }

  Result<T> wait(Flight& flight, Deadline deadline) {
    Waiter waiter{*this, flight, {}};
    {
      const std::lock_guard lock(mutex_);
      flight.waiting.push_back(&waiter.signal);
    }
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (flight.outcome) return *flight.outcome;
        if (flight.landed) return refuse(RefusalCode::unavailable, "somebody else's attempt failed; try again");
      }
      if (deadline.passed(clock_)) return refuse(RefusalCode::unavailable, "somebody else's attempt takes too long; try again");
      clock_.wait(waiter.signal, deadline.left(clock_));
    }
  }

  Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Flight>> flights_;  // guarded by mutex_, as are the flights
};

}  // namespace scoria
