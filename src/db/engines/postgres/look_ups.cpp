#include "db/engines/postgres/look_ups.h"

#include <algorithm>

#include "base/check.h"

namespace scoria::db::postgres {
namespace {

constexpr int max_leaders = 2;
constexpr std::size_t max_batch = 16;

}  // namespace

/// Wakes everybody of a batch and passes the lead on, whatever ends the exchange.
class LookUps::Lead {
 public:
  Lead(LookUps& owner, const std::shared_ptr<Waiting>& leader) : owner_(owner), batch_(owner.take(leader)) {}
  ~Lead() { owner_.end(batch_); }
  Lead(const Lead&) = delete;
  Lead& operator=(const Lead&) = delete;
  const Batch& batch() const { return batch_; }

 private:
  LookUps& owner_;
  const Batch batch_;
};

Outcome LookUps::ask(std::string_view sql, Values values) {
  // Shared: who wakes the waiting may still hold it when that has left.
  const auto one = std::make_shared<Waiting>();
  one->ask = {sql, {nullptr, std::move(values), {}}};
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(one);
  }
  bool waited_long = false;
  while (true) {
    if (may_lead(*one, waited_long)) {
      const Lead lead(*this, one);
      serve(lead.batch());
    }
    {
      const std::lock_guard lock(mutex_);
      if (one->state == State::done) break;
    }
    waited_long = !clock_.wait(one->changed, patience_);
  }
  if (one->failure) std::rethrow_exception(one->failure);
  if (!one->outcome) throw Rerun("the thread that asked for others is gone");
  return std::move(*one->outcome);
}

bool LookUps::may_lead(Waiting& one, bool waited_long) {
  const std::lock_guard lock(mutex_);
  if (one.state != State::queued) return false;
  if (!one.leads && leaders_ >= max_leaders && !waited_long) return false;
  if (!std::exchange(one.leads, true)) ++leaders_;
  return true;
}

/// The leader's own statement and the oldest of the others.
LookUps::Batch LookUps::take(const std::shared_ptr<Waiting>& leader) {
  const std::lock_guard lock(mutex_);
  queue_.erase(std::find(queue_.begin(), queue_.end(), leader));
  Batch batch{leader};
  while (!queue_.empty() && batch.size() < max_batch) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (std::exchange(batch.back()->leads, false)) --leaders_;  // it need not any more
  }
  for (const auto& one : batch) one->state = State::taken;
  return batch;
}

/// One exchange; one more after each statement that fails by itself, for those behind it.
void LookUps::serve(const Batch& batch) {
  std::vector<Ask*> asks;
  for (const auto& one : batch) asks.push_back(&one->ask);
  std::size_t answered = 0;
  // Each gets an exception object of its own: they go to different threads.
  const auto fail_rest = [&](const auto& failure) {
    for (; answered < batch.size(); ++answered) batch[answered]->failure = std::make_exception_ptr(failure);
  };
  try {
    while (answered < batch.size()) {
      const std::size_t before = answered;
      Answers answers = exchange_(std::span(asks).subspan(answered));
      for (Outcome& outcome : answers.outcomes) batch[answered++]->outcome = std::move(outcome);
      if (answers.failure) batch[answered++]->failure = std::move(answers.failure);
      SCORIA_CHECK(answered > before, "an exchange without an answer");
    }
  } catch (const Rerun& lost) {
    fail_rest(Rerun(lost.what()));
  } catch (const std::exception& failure) {
    fail_rest(Error(failure.what()));
  }
}

void LookUps::end(const Batch& batch) {
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

}  // namespace scoria::db::postgres
