#pragma once
#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace scoria::db::postgres {

/// Joins what several threads ask a server into one exchange with it. Nobody waits for company: who finds fewer than `leaders`
/// exchanges under way leads the next one, with its own ask and those that came meanwhile.
template <class Ask>
class Company {
 public:
  struct Limits {
    int leaders;
    std::size_t asks;  // of one exchange
    /// An exchange is over in a moment; one that hangs holds up those who are not part of it for so long.
    Duration patience;
  };
  /// Answers all of them. What it throws, only the leader's caller sees.
  using Serve = std::function<void(std::span<Ask* const>)>;

  Company(Clock& clock, Limits limits, Serve serve) : clock_(clock), limits_(limits), serve_(std::move(serve)) {}

  /// `ask` as it was served, by this thread or another: untouched if that one was unwound before it came to it.
  Ask join(Ask ask) {
    // Shared: who wakes the waiting may still hold it when that has left.
    const auto one = std::make_shared<Waiting>(std::move(ask));
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(one);
    }
    bool waited_long = false;
    while (true) {
      if (const Batch batch = take(one, waited_long); !batch.empty()) {
        const Lead lead(*this, batch);
        std::vector<Ask*> asks;
        for (const auto& taken : batch) asks.push_back(&taken->ask);
        serve_(asks);
      }
      {
        const std::lock_guard lock(mutex_);
        if (one->state == State::done) break;
      }
      waited_long = !clock_.wait(one->changed, limits_.patience);
    }
    // Taken out: it ends with this thread, whoever of the batch lets go of `one` last.
    return std::move(one->ask);
  }

 private:
  enum class State { queued, taken, done };
  struct Waiting {
    explicit Waiting(Ask wanted) : ask(std::move(wanted)) {}
    Ask ask;
    Signal changed;
    State state = State::queued;  // these are guarded by mutex_
    bool leads = false;
  };
  using Batch = std::vector<std::shared_ptr<Waiting>>;

  /// Wakes everybody of a batch and passes the lead on, whatever ends the exchange.
  class Lead {
   public:
    Lead(Company& owner, const Batch& batch) : owner_(owner), batch_(batch) {}
    ~Lead() { owner_.end(batch_); }
    Lead(const Lead&) = delete;
    Lead& operator=(const Lead&) = delete;

   private:
    Company& owner_;
    const Batch& batch_;
  };

  /// If `one` is to lead now: itself and the oldest of the others. Else nothing.
  Batch take(const std::shared_ptr<Waiting>& one, bool waited_long) {
    const std::lock_guard lock(mutex_);
    if (one->state != State::queued) return {};
    if (!one->leads && leaders_ >= limits_.leaders && !waited_long) return {};
    if (!std::exchange(one->leads, true)) ++leaders_;
    queue_.erase(std::find(queue_.begin(), queue_.end(), one));
    Batch batch{one};
    while (!queue_.empty() && batch.size() < limits_.asks) {
      batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
      if (std::exchange(batch.back()->leads, false)) --leaders_;  // it need not any more
    }
    for (const auto& taken : batch) taken->state = State::taken;
    return batch;
  }

  void end(const Batch& batch) {
    std::shared_ptr<Waiting> next;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& one : batch) one->state = State::done;
      batch.front()->leads = false;
      if (queue_.empty() || queue_.front()->leads) {
        --leaders_;
      } else {
        next = queue_.front();
        next->leads = true;
      }
    }
    if (next) next->changed.raise();
    for (std::size_t i = 1; i < batch.size(); ++i) batch[i]->changed.raise();
  }

  Clock& clock_;
  const Limits limits_;
  const Serve serve_;
  std::mutex mutex_;
  std::deque<std::shared_ptr<Waiting>> queue_;  // guarded by mutex_
  int leaders_ = 0;                             // guarded by mutex_: those with `leads`
};

}  // namespace scoria::db::postgres
