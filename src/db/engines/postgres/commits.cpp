#include "db/engines/postgres/commits.h"

namespace scoria::db::postgres {

Commits::Commits(Clock& clock, int leaders, Exchange exchange, Duration patience)
    : exchange_(std::move(exchange)), company_(clock, {.leaders = leaders, .asks = 16, .patience = patience}, [this](auto asks) { serve(asks); }) {}

void Commits::commit(std::vector<Draft> drafts) {
  Ask one = company_.join({std::move(drafts)});
  if (one.failure) std::rethrow_exception(std::exchange(one.failure, nullptr));
  if (!one.committed) throw Error("the thread that committed for others is gone", true);
}

void Commits::serve_alone(Ask& ask) const {
  std::vector<Draft*> drafts;
  for (Draft& draft : ask.drafts) drafts.push_back(&draft);
  ask.failure = exchange_(drafts).failure;
  ask.committed = !ask.failure;
}

/// Whose statement failed; null if they are committed, or failed at the commit itself. Rows that many transactions change come
/// last, in one order for everybody: what is committed together takes nothing in another order than those who commit elsewhere.
Commits::Ask* Commits::serve_together(std::span<Ask* const> asks) const {
  // What company still may lock in another order than somebody else is found out long before the server looks for deadlocks (1 s).
  Draft limit{"SELECT set_config('lock_timeout', '200', true)", {}};
  std::vector<Draft*> drafts{&limit};
  for (Ask* ask : asks)
    for (Draft& draft : ask->drafts) drafts.push_back(&draft);
  std::ranges::stable_sort(drafts, {}, &Draft::row);
  const Answers answers = exchange_(drafts);
  if (!answers.failure)
    for (Ask* ask : asks) ask->committed = true;
  if (!answers.failure || answers.outcomes.size() == drafts.size()) return nullptr;
  const Draft* failed = drafts.at(answers.outcomes.size());
  const auto owner = std::ranges::find_if(asks, [&](const Ask* ask) { return failed >= &ask->drafts.front() && failed <= &ask->drafts.back(); });
  return owner == asks.end() ? nullptr : *owner;
}

void Commits::serve(std::span<Ask* const> asks) const {
  std::vector<Ask*> left(asks.begin(), asks.end());
  const auto fail_rest = [&](const auto& failure) {
    // Each gets an exception object of its own: they go to different threads.
    for (Ask* ask : left)
      if (!ask->committed && !ask->failure) ask->failure = std::make_exception_ptr(failure);
  };
  try {
    while (left.size() > 1) {
      Ask* failed = serve_together(left);
      if (left.front()->committed) return;
      if (failed == nullptr) break;
      serve_alone(*failed);
      std::erase(left, failed);
    }
    for (Ask* ask : left) serve_alone(*ask);
  } catch (const Rerun& lost) {
    fail_rest(Rerun(lost.what()));
  } catch (const Error& failure) {
    fail_rest(Error(failure.what(), failure.commit_unknown, failure.disk_full));
  } catch (const std::exception& failure) {
    fail_rest(Error(failure.what()));
  }
}

}  // namespace scoria::db::postgres
