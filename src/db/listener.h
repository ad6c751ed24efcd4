#pragma once
#include <functional>
#include <mutex>
#include <string_view>

namespace scoria::db {

/// Who is told of pokes. Calls come one at a time; once set() returns, the one before is not running any more.
class Listener {
 public:
  void set(std::function<void(std::string_view)> listener) {
    const std::lock_guard lock(mutex_);
    listener_ = std::move(listener);
  }
  void tell(std::string_view queue) const {
    const std::lock_guard lock(mutex_);
    if (listener_) listener_(queue);
  }

 private:
  mutable std::mutex mutex_;
  std::function<void(std::string_view)> listener_;  // guarded by mutex_
};

}  // namespace scoria::db
