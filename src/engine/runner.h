#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/random.h"
#include "engine/kind.h"
#include "engine/membership.h"

namespace scoria::engine {

/// Runs one claimed operation step by step until it ends, is handed over, or is lost. Every change rides in a
/// transaction guarded by id, epoch, owner and step: a node that lost its operation changes no row and touches nothing.
class Runner {
 public:
  Runner(db::Database& database, Clock& clock, Random& random, const Kinds& kinds, Membership& membership)
      : database_(database), clock_(clock), random_(random), kinds_(kinds), membership_(membership) {}

  /// What the rest of the process may tell a running operation.
  struct Control {
    std::atomic<bool> cancel{false};    // cancel_req was seen in the database
    std::atomic<bool> drain{false};     // give it back at the next boundary
    std::atomic<bool> bulk{false};      // in a slot for long work
    std::function<bool(const std::string& queue)> serves;    // does this node serve that queue
    std::function<bool(const std::string& queue)> takes_on;  // may it go on there without a claim
    std::function<void(const std::string& queue)> handed_over;
  };

  /// Returns the operation as it ended, or as it left our hands.
  Operation run(Operation operation, Control& control);

 private:
  enum class Committed { yes, moved, lost, cancelled, stale };
  class RunningTask;

  Committed commit(const Operation& operation, const std::function<void(db::Transaction&)>& work, const std::string& next_step);
  Committed look(const Operation& operation, const std::string& next_step);
  Outcome run_step(const Kind& kind, std::size_t step, Operation& operation, Control& control);
  bool apply(Operation& operation, const Kind& kind, Outcome outcome, Control& control);
  bool advance(Operation& operation, const Kind& kind, const Outcome& outcome, Control& control);
  static std::int64_t share_generation(db::Transaction& tx, const std::string& backend);
  void give_back(const Operation& operation, const std::string& reason, Duration after, bool counted);
  void run_again_soon(const Operation& operation);
  void wait(const Operation& operation, const Outcome& outcome);
  Committed end(Operation& operation, const Kind& kind, const Ending& ending, const Commit& changes);
  bool end_or_release(Operation& operation, const Kind& kind, const Ending& ending, const Commit& changes);
  Duration backoff(int attempt);

  db::Database& database_;
  Clock& clock_;
  Random& random_;
  const Kinds& kinds_;
  Membership& membership_;
};

}  // namespace scoria::engine
