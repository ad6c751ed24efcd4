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
  Lead(LookUps& owner, const Batch& batch) : owner_(owner), batch_(batch) {}
  ~Lead() { owner_.end(batch_); }
  Lead(const Lead&) = delete;
  Lead& operator=(const Lead&) = delete;

 private:
  LookUps& owner_;
  const Batch& batch_;
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
    if (const Batch batch = take(one, waited_long); !batch.empty()) {
      const Lead lead(*this, batch);
      serve(batch);
    }
    {
      const std::lock_guard lock(mutex_);
      if (one->state == State::done) break;
    }
    waited_long = !clock_.wait(one->changed, patience_);
  }
  // Taken out: it ends with this thread, whoever of the batch lets go of `one` last.
  if (std::exception_ptr failure = std::exchange(one->failure, nullptr)) std::rethrow_exception(std::move(failure));
  if (!one->outcome) throw Rerun("the thread that asked for others is gone");
  return std::move(*one->outcome);
}

/// If `one` is to lead now: its own statement and the oldest of the others. Else nothing.
LookUps::Batch LookUps::take(const std::shared_ptr<Waiting>& one, bool waited_long) {
  const std::lock_guard lock(mutex_);
  if (one->state != State::queued) return {};
  if (!one->leads && leaders_ >= max_leaders && !waited_long) return {};
  if (!std::exchange(one->leads, true)) ++leaders_;
  queue_.erase(std::find(queue_.begin(), queue_.end(), one));
  Batch batch{one};
  while (!queue_.empty() && batch.size() < max_batch) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (std::exchange(batch.back()->leads, false)) --leaders_;  // it need not any more
  }
  for (const auto& taken : batch) taken->state = State::taken;
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
