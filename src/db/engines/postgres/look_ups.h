#pragma once
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "db/engines/postgres/connection.h"

namespace scoria::db::postgres {

/// Joins the look-ups of several threads into one exchange with the server. Nobody waits for company: who finds fewer than
/// two exchanges under way leads the next one, with its own statement and all that came while there were two.
class LookUps {
 public:
  struct Ask {
    std::string_view sql;
    Statement statement;  // its `prepared` is of the connection that sends it
  };
  /// Sends the statements in one go. Throws if nobody gets an answer: no connection was to be had, or it was lost.
  using Exchange = std::function<Answers(std::span<Ask* const>)>;

  /// An exchange is over in less than a millisecond; one that hangs holds up those who are not part of it for `patience`.
  LookUps(Clock& clock, Exchange exchange, Duration patience = std::chrono::milliseconds{20})
      : clock_(clock), exchange_(std::move(exchange)), patience_(patience) {}

  /// Throws what the statement, or the exchange that it was in, failed with: Rerun if that was lost.
  Outcome ask(std::string_view sql, Values values);

 private:
  enum class State { queued, taken, done };
  struct Waiting {
    Ask ask;
    Signal changed;
    State state = State::queued;  // these are guarded by mutex_
    bool leads = false;
    std::optional<Outcome> outcome;
    std::exception_ptr failure;
  };
  class Lead;
  using Batch = std::vector<std::shared_ptr<Waiting>>;

  bool may_lead(Waiting& one, bool waited_long);
  Batch take(const std::shared_ptr<Waiting>& leader);
  void serve(const Batch& batch);
  void end(const Batch& batch);

  Clock& clock_;
  const Exchange exchange_;
  const Duration patience_;
  std::mutex mutex_;
  std::deque<std::shared_ptr<Waiting>> queue_;  // guarded by mutex_
  int leaders_ = 0;                             // guarded by mutex_: those with `leads`
};

}  // namespace scoria::db::postgres
