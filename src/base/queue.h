#pragma once
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace scoria {

/// A bounded queue between threads. Waiting goes through the Clock, so a simulation can schedule it. Of the threads that wait the one
/// that has waited least is woken: its memory is still in the caches, and no more threads take turns than there is work for.
template <class T>
class BoundedQueue {
 public:
  BoundedQueue(Clock& clock, std::size_t limit) : clock_(clock), limit_(limit) {}

  /// False when the queue is full or closed; never waits.
  bool try_push(T value) {
    Signal* waiting = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (closed_ || items_.size() >= limit_) return false;
      items_.push_back(std::move(value));
      if (!waiting_.empty()) waiting = waiting_.back(), waiting_.pop_back();
    }
    if (waiting != nullptr) waiting->raise();
    return true;
  }

  /// The next item; nothing once the queue is closed and empty.
  std::optional<T> pop() {
    Signal own;
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (!items_.empty()) {
          std::optional<T> out(std::move(items_.front()));
          items_.pop_front();
          return out;
        }
        if (closed_) return std::nullopt;
        waiting_.push_back(&own);
      }
      // Whoever takes it off the list raises it, and it stays until then.
      while (!clock_.wait(own, std::chrono::seconds{60})) {}
    }
  }

  void close() {
    std::vector<Signal*> waiting;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      waiting.swap(waiting_);
    }
    for (Signal* one : waiting) one->raise();
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  Clock& clock_;
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::deque<T> items_;           // guarded by mutex_
  std::vector<Signal*> waiting_;  // guarded by mutex_
  bool closed_ = false;           // guarded by mutex_
};

}  // namespace scoria
