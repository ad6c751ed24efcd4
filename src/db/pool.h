#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "db/database.h"

namespace scoria::db {

/// A fixed number of slots for connections; a slot may be empty until its taker fills it. The slot given back last is
/// taken first. Waiting goes through the Clock.
template <class T>
class Pool {
 public:
  Pool(Clock& clock, std::size_t slots) : clock_(clock), free_(slots) {}

  /// A slot held by one thread; goes back by itself. Reset `item` to give back an empty slot.
  class Lease {
   public:
    explicit Lease(Pool& pool, std::unique_ptr<T> taken) : item(std::move(taken)), pool_(&pool) {}
    Lease(Lease&& other) noexcept : item(std::move(other.item)), pool_(std::exchange(other.pool_, nullptr)) {}
    ~Lease() {
      if (pool_ != nullptr) pool_->give(std::move(item));
    }
    Lease& operator=(Lease&&) = delete;

    std::unique_ptr<T> item;

   private:
    Pool* pool_;
  };

  /// Throws Error if no slot comes free in time. Of those that are free one that `suits`, if any does.
  Lease take(Duration timeout, const std::function<bool(const T&)>& suits = nullptr) {
    const Deadline deadline = Deadline::in(clock_, timeout);
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (!free_.empty()) {
          auto slot = free_.end() - 1;
          if (suits)
            if (const auto found = std::find_if(free_.rbegin(), free_.rend(), [&](const auto& item) { return item != nullptr && suits(*item); }); found != free_.rend())
              slot = found.base() - 1;
          std::unique_ptr<T> item = std::move(*slot);
          free_.erase(slot);
          if (!free_.empty()) given_.raise();  // the signal remembers one raise only: pass it on
          return Lease(*this, std::move(item));
        }
      }
      if (!clock_.wait(given_, deadline.left(clock_)) && deadline.passed(clock_)) throw Error("no free database connection in time");
    }
  }

 private:
  void give(std::unique_ptr<T> item) {
    {
      const std::lock_guard lock(mutex_);
      free_.push_back(std::move(item));
    }
    given_.raise();
  }

  Clock& clock_;
  std::mutex mutex_;
  Signal given_;
  std::vector<std::unique_ptr<T>> free_;  // guarded by mutex_
};

}  // namespace scoria::db
