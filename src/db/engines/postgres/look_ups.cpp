#include "db/engines/postgres/look_ups.h"

#include "base/check.h"

namespace scoria::db::postgres {

LookUps::LookUps(Clock& clock, int leaders, Exchange exchange, Duration patience)
    : exchange_(std::move(exchange)), company_(clock, {.leaders = leaders, .asks = 16, .patience = patience}, [this](auto asks) { serve(asks); }) {}

Outcome LookUps::ask(std::string_view sql, Values values) {
  Ask one = company_.join({sql, {nullptr, std::move(values), {}}, {}, {}});
  if (one.failure) std::rethrow_exception(std::exchange(one.failure, nullptr));
  if (!one.outcome) throw Rerun("the thread that asked for others is gone");
  return std::move(*one.outcome);
}

/// One exchange; one more after each statement that fails by itself, for those behind it.
void LookUps::serve(std::span<Ask* const> asks) const {
  std::size_t answered = 0;
  // Each gets an exception object of its own: they go to different threads.
  const auto fail_rest = [&](const auto& failure) {
    for (; answered < asks.size(); ++answered) asks[answered]->failure = std::make_exception_ptr(failure);
  };
  try {
    while (answered < asks.size()) {
      const std::size_t before = answered;
      Answers answers = exchange_(asks.subspan(answered));
      for (Outcome& outcome : answers.outcomes) asks[answered++]->outcome = std::move(outcome);
      if (answers.failure) asks[answered++]->failure = std::move(answers.failure);
      SCORIA_CHECK(answered > before, "an exchange without an answer");
    }
  } catch (const Rerun& lost) {
    fail_rest(Rerun(lost.what()));
  } catch (const std::exception& failure) {
    fail_rest(Error(failure.what()));
  }
}

}  // namespace scoria::db::postgres
