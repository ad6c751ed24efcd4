#pragma once
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"

namespace scoria::exports {

/// Keeps what is tried every second from being said every second: a thing is said when it is new and then once a minute.
/// Thread-safe.
class Complaints {
 public:
  explicit Complaints(const Clock& clock) : clock_(clock) {}

  bool due(const std::string& about, const std::string& message) {
    const std::lock_guard lock(mutex_);
    auto& [last, at] = said_[about];
    if (last == message && clock_.now() - at < std::chrono::minutes{1}) return false;
    last = message;
    at = clock_.now();
    return true;
  }

 private:
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, std::pair<std::string, Instant>> said_;  // guarded by mutex_
};

}  // namespace scoria::exports
