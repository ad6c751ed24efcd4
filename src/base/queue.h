#pragma once
#include <deque>
#include <mutex>
#include <optional>

#include "base/clock.h"

namespace scoria {

/// A bounded queue between threads. Waiting goes through the Clock, so a simulation can schedule it.
template <class T>
class BoundedQueue {
 public:
  BoundedQueue(Clock& clock, std::size_t limit) : clock_(clock), limit_(limit) {}

  /// False when the queue is full or closed; never waits.
  bool try_push(T value) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || items_.size() >= limit_) return false;
      items_.push_back(std::move(value));
    }
    filled_.raise();
    return true;
  }

  /// The next item; nothing once the queue is closed and empty.
  std::optional<T> pop() {
    while (true) {
      std::optional<T> out;
      bool more = false;
      {
        const std::lock_guard lock(mutex_);
        if (!items_.empty()) {
          out.emplace(std::move(items_.front()));
          items_.pop_front();
        }
        more = !items_.empty() || closed_;
      }
      if (more) filled_.raise();  // the signal remembers one raise only: pass it on
      if (out || more) return out;
      clock_.wait(filled_, std::chrono::seconds{60});
    }
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    filled_.raise();
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  Clock& clock_;
  const std::size_t limit_;
  mutable std::mutex mutex_;
  Signal filled_;
  std::deque<T> items_;  // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
};

}  // namespace scoria
