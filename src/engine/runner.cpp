#include "engine/runner.h"

#include <fmt/core.h>

#include "base/check.h"
#include "base/failpoint.h"
#include "base/mutants.h"
#include "engine/ending.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace scoria::engine {
namespace {

// Who may change an operation: the owner of its current epoch, at the step it believes to be at.
#define SCORIA_TURN "WHERE id = ? AND epoch = ? AND owner = ? AND step = ? AND state = 'running'"

constexpr std::string_view advance_sql =
    "UPDATE operation SET step = ?, ctx = ?, queue = ?, backend = ?, backend_gen = ?, state = ?, owner = ?, attempt = 0, deaths = 0, reason = NULL, phase = NULL, "
    "run_at = scoria_now(), updated_at = scoria_now(), "
    "history = history || ? || CAST(scoria_now() AS TEXT) || '},' " SCORIA_TURN;
constexpr std::string_view checkpoint_sql =
    "UPDATE operation SET ctx = ?, phase = ?, done_bytes = ?, total_bytes = ?, deaths = 0, updated_at = scoria_now() " SCORIA_TURN;
constexpr std::string_view give_back_sql =
    "UPDATE operation SET state = 'ready', owner = NULL, reason = ?, run_at = scoria_now() + ?, attempt = attempt + ?, deaths = 0, updated_at = scoria_now() " SCORIA_TURN;
constexpr std::string_view wait_sql =
    "UPDATE operation SET state = 'waiting', owner = NULL, ctx = ?, waits_on = ?, reason = ?, deaths = 0, updated_at = scoria_now() " SCORIA_TURN;
constexpr std::string_view end_sql =
    "UPDATE operation SET state = ?, owner = NULL, err_code = ?, err_text = ?, reason = NULL, phase = NULL, waits_on = NULL, "
    "finished_at = scoria_now(), updated_at = scoria_now(), "
    "history = history || ? || CAST(scoria_now() AS TEXT) || '},' " SCORIA_TURN;

std::string history_entry(const Operation& op) { return fmt::format("{{\"step\":\"{}\",\"epoch\":{},\"at\":", op.step, op.epoch); }

std::string step_after(const Kind& kind, const Operation& op) {
  const std::string_view next = kind.step_after(op.step, op.version);
  SCORIA_CHECK(!next.empty(), "advance() from the last step");
  return std::string(next);
}

void replace(std::string& text, std::string_view from, std::string_view to) {
  if (const auto at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
}

/// Takes a condition out of a guarded statement while the simulation has that fault switched on.
std::string turn(std::string_view statement) {
  std::string sql(statement);
  if (MUTANT(no_epoch_guard)) replace(sql, "epoch = ? AND owner = ?", "? > 0 AND ? > 0");
  if (MUTANT(no_step_guard)) replace(sql, "AND step = ? AND", "AND ? <> '' AND");
  if (MUTANT(cancel_ignored)) replace(sql, " AND cancel_req = 0", "");
  return sql;
}

// Before the point of no return either the step or the cancel wins; after it a late cancel changes nothing.
std::string unless_cancelled(std::string_view sql, const Kind& kind, std::string_view step) {
  return std::string(sql) + (kind.cancellable_at(step) ? " AND cancel_req = 0" : "");
}

log::About about(const Operation& op) { return {.request = op.request_id, .operation = op.id, .resource = op.resource_id}; }

// In a row, backed off (membership.cpp), with no sign of life in between: not even a retry or a checkpoint. Plain kills of
// nodes, one every few seconds, do not come to that.
constexpr int deadly_deaths = 8;

const metrics::Counters ended{"scoria_operations_ended_total", "Operations that this node ended, by kind, outcome and where they ran.", {"kind", "outcome", "lane"}};
const metrics::Counters retries{"scoria_operation_retries_total", "Steps that will be run again after a failure.", {"kind"}};
const metrics::Histograms step_seconds{"scoria_operation_step_seconds", "Time of one run of a step, without its commit.", {"kind", "step"}};

}  // namespace

class Runner::RunningTask final : public Task {
 public:
  RunningTask(Runner& runner, const Kind& kind, Operation& operation, Control& control)
      : runner_(runner), kind_(kind), operation_(operation), control_(control) {}
  const Operation& operation() const override { return operation_; }
  Clock& clock() const override { return runner_.clock_; }
  Deadline leash() const override { return runner_.membership_.leash(); }
  bool should_stop() const override { return control_.cancel || control_.drain || !runner_.membership_.leash_holds(); }
  bool checkpoint(const std::string& context, const Progress& progress) override {
    const Operation& op = operation_;
    const std::string sql = unless_cancelled(checkpoint_sql, kind_, op.step);
    const Committed outcome = runner_.commit(
        op,
        [&](db::Transaction& tx) {
          tx.guard("turn", turn(sql), {context, progress.phase, progress.done_bytes, progress.total_bytes, op.id, op.epoch, op.owner, op.step});
        },
        op.step);
    if (outcome != Committed::yes) return false;
    operation_.context = context;
    return true;
  }

 private:
  Runner& runner_;
  const Kind& kind_;
  Operation& operation_;
  Control& control_;
};

Duration Runner::backoff(int attempt) {
  const std::int64_t base = std::int64_t{1'000'000} << std::min(attempt, 6);
  const std::int64_t capped = std::min<std::int64_t>(base, 60'000'000);
  return Duration{capped / 2 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(capped)))};
}

Operation Runner::run(Operation op, Control& control) {
  const Kind* kind = kinds_.find(op.kind, op.version);
  SCORIA_CHECK(kind != nullptr, "a claim took a kind or a version that is not known");
  const auto steps = kind->steps();
  for (bool left = false; !left;) {
    const auto at = std::find(steps.begin(), steps.end(), op.step);
    SCORIA_CHECK(at != steps.end(), "an operation is at a step its kind does not have");
    if (op.cancel_requested && kind->cancellable_at(op.step)) {
      left = end_or_release(op, *kind, {State::cancelled, "cancelled", "Cancelled on request."}, {});
    } else if (op.deaths >= deadly_deaths) {
      const std::string text = fmt::format("The process that ran step '{}' died {} times in a row; an operator has to look.", op.step, op.deaths);
      left = end_or_release(op, *kind, {State::dead, "poison", text}, {});
    } else if (control.drain) {
      give_back(op, "its node is being drained", Duration::zero(), false);
      left = true;
    } else {
      left = apply(op, *kind, run_step(*kind, static_cast<std::size_t>(at - steps.begin()), op, control), control);
    }
  }
  return op;
}

Outcome Runner::run_step(const Kind& kind, std::size_t step, Operation& op, Control& control) {
  // No step starts on a lease that may have run out; the process lives on, the database may come back.
  while (!membership_.leash_holds()) {
    if (control.drain) return Outcome::stopped();
    clock_.sleep(std::chrono::milliseconds{50});
  }
  RunningTask task(*this, kind, op, control);
  try {
    FAILPOINT("engine.step.before");
    const Instant begun = clock_.now();
    Outcome outcome = kind.run(step, task);
    step_seconds.with({kind.name(), op.step}).observe(static_cast<double>((clock_.now() - begun).count()) / 1e6);
    FAILPOINT("engine.step.after");
    return outcome;
  } catch (const std::exception& failure) {
    log::warning("engine", about(op), "{} step {}: {}", op.kind, op.step, failure.what());
    return Outcome::retry(failure.what());
  }
}

/// Makes an outcome durable. True: the operation has left our hands.
bool Runner::apply(Operation& op, const Kind& kind, Outcome outcome, Control& control) {
  switch (outcome.action) {
    case Outcome::Action::advance:
      return advance(op, kind, outcome, control);
    case Outcome::Action::stopped:
      if (look(op, {}) == Committed::cancelled && kind.cancellable_at(op.step)) return op.cancel_requested = true, false;
      give_back(op, "its node stopped in the middle of the step", Duration::zero(), false);
      return true;
    case Outcome::Action::retry:
      if (clock_.now() >= op.expires)
        return end_or_release(op, kind, {State::failed, "timed_out", fmt::format("Gave up at its time limit. The last obstacle: {}", outcome.text)}, {});
      give_back(op, outcome.text, outcome.counted ? backoff(op.attempt) : Duration{200'000 + static_cast<std::int64_t>(random_.below(200'000))}, outcome.counted);
      return true;
    case Outcome::Action::wait:
      wait(op, outcome);
      return true;
    case Outcome::Action::succeed:
      return end_or_release(op, kind, {State::succeeded, {}, {}, std::move(outcome.told)}, outcome.commit);
    case Outcome::Action::fail:
      log::warning("engine", about(op), "{} failed at {}: {}", op.kind, op.step, outcome.text);
      return end_or_release(op, kind, {State::failed, outcome.code, outcome.text}, outcome.commit);
  }
  return true;
}

/// What a claim would copy: an operation that is taken on to another backend by the node that has it needs none. Whoever
/// renames the backend waits for this commit, or this one finds it renamed.
std::int64_t Runner::share_generation(db::Transaction& tx, const std::string& backend) {
  if (backend.empty()) return 0;
  const db::Rows rows = tx.query("SELECT gen FROM backend WHERE name = ?{for_share}", {backend});
  if (rows.empty()) throw db::GuardFailed("backend");
  return rows.at(0, 0).integer();
}

bool Runner::advance(Operation& op, const Kind& kind, const Outcome& outcome, Control& control) {
  const std::string next = outcome.to_step.empty() ? step_after(kind, op) : outcome.to_step;
  const std::string queue = outcome.queue.empty() ? op.queue : outcome.queue;
  const std::string backend = outcome.queue.empty() ? op.backend : outcome.backend;
  const bool moves = backend != op.backend;
  // Bulk queues have slots of their own.
  const bool stays = is_bulk(queue) == is_bulk(op.queue) && (moves ? control.takes_on(queue) : control.serves(queue));
  std::int64_t generation = op.backend_generation;
  const bool done = next != op.step;  // else it is still to be done, elsewhere or with another context
  std::string sql = unless_cancelled(advance_sql, kind, op.step);
  if (!done) replace(sql, ", history = history || ? || CAST(scoria_now() AS TEXT) || '},'", "");
  const Committed committed = commit(
      op,
      [&](db::Transaction& tx) {
        if (moves) generation = share_generation(tx, backend);
        db::Values row = {next, outcome.context, queue, db::or_null(backend), generation, stays ? "running" : "ready", stays ? db::Value{op.owner} : db::Value{}};
        if (done) row.emplace_back(history_entry(op));
        row.insert(row.end(), {op.id, op.epoch, op.owner, op.step});
        tx.guard("turn", turn(sql), std::move(row));
        if (outcome.commit) outcome.commit(tx);
      },
      next);
  if (committed == Committed::cancelled) return op.cancel_requested = true, false;
  if (committed == Committed::stale) run_again_soon(op);
  if (committed != Committed::yes) return true;
  if (!stays) control.handed_over(queue);
  op.step = next;
  op.seen.reset();
  op.context = outcome.context;
  op.queue = queue;
  op.backend = backend;
  op.backend_generation = generation;
  op.attempt = 0;
  op.deaths = 0;
  return !stays;
}

bool Runner::end_or_release(Operation& op, const Kind& kind, const Ending& ending, const Commit& changes) {
  const Committed committed = end(op, kind, ending, changes);
  if (committed == Committed::cancelled) return op.cancel_requested = true, false;
  if (committed == Committed::stale) run_again_soon(op);
  return true;
}

/// A guard on another row refused the commit: the step looks at the world again, a little later each time.
void Runner::run_again_soon(const Operation& op) {
  give_back(op, "what it works on changed under the step; it runs again", Duration{50'000} * (1 << std::min(op.attempt, 7)), true);
}

/// The one function that ends an operation, whatever the end.
Runner::Committed Runner::end(Operation& op, const Kind& kind, const Ending& ending, const Commit& changes) {
  const std::string sql = ending.state == State::succeeded ? unless_cancelled(end_sql, kind, op.step) : std::string(end_sql);
  const Committed outcome = commit(
      op,
      [&](db::Transaction& tx) {
        tx.guard("turn", turn(sql),
                 {to_text(ending.state), db::or_null(ending.code), db::or_null(ending.text), history_entry(op), op.id, op.epoch, op.owner, op.step});
        if (changes) changes(tx);
        finish(tx, kind, op, ending);
      },
      {});
  if (outcome == Committed::yes) {
    op.state = ending.state;
    ended.with({op.kind, to_text(ending.state), lane_of(op.queue)}).add();
    op.error_code = ending.code;
    op.error_text = ending.text;
    op.told = ending.told;
  }
  return outcome;
}

void Runner::wait(const Operation& op, const Outcome& outcome) {
  const Committed committed = commit(
      op,
      [&](db::Transaction& tx) {
        tx.guard("turn", turn(wait_sql), {outcome.context.empty() ? op.context : outcome.context, outcome.waits_on, outcome.text, op.id, op.epoch, op.owner, op.step});
        if (outcome.commit) outcome.commit(tx);
      },
      {});
  // What it would wait for is gone already, or it is to be cancelled: back into the queue.
  if (committed == Committed::stale || committed == Committed::cancelled) give_back(op, outcome.text, Duration::zero(), false);
}

void Runner::give_back(const Operation& op, const std::string& reason, Duration after, bool counted) {
  if (counted) retries.with({op.kind}).add();
  std::string sql = turn(give_back_sql);
  if (MUTANT(drain_loses) && reason.find("drained") != std::string::npos) replace(sql, "'ready'", "'waiting'");
  commit(
      op,
      [&](db::Transaction& tx) {
        tx.guard("turn", sql, {reason, after.count(), counted ? 1 : 0, op.id, op.epoch, op.owner, op.step});
      },
      {});
}

/// Runs a guarded transaction until its fate is known. Waits out a database that is away: the operation is ours as long
/// as nobody raised its epoch, and nobody can while the database is away.
Runner::Committed Runner::commit(const Operation& op, const std::function<void(db::Transaction&)>& work, const std::string& next_step) {
  for (int tries = 0;; ++tries) {
    try {
      FAILPOINT("engine.commit.before");
      database_.write([&](db::Transaction& tx) { work(tx); });
      FAILPOINT("engine.commit.reply");
      return Committed::yes;
    } catch (const db::GuardFailed& failed) {
      if (failed.label != "turn") {
        log::debug("engine", about(op), "{} step {}: guard {} failed", op.kind, op.step, failed.label);
        return Committed::stale;
      }
      return look(op, next_step);
    } catch (const db::ConstraintError& failure) {
      log::error("engine", about(op), "{} step {}: {}", op.kind, op.step, failure.what());
      return Committed::stale;
    } catch (const std::runtime_error& failure) {  // db::Error and injected failures
      log::warning("engine", about(op), "{} step {}: commit: {}", op.kind, op.step, failure.what());
      clock_.sleep(std::min(backoff(tries), Duration{2'000'000}) / 8);
      if (MUTANT(no_step_guard)) continue;
      const Committed fate = look(op, next_step);
      if (fate != Committed::moved) return fate;  // `moved` here: unchanged, the transaction did not arrive
    }
  }
}

/// Reads the row after a commit whose fate is unknown or refused. yes: it is where our commit would have put it;
/// moved: still ours and unchanged; cancelled: still ours with a cancel request; lost: somebody else's.
Runner::Committed Runner::look(const Operation& op, const std::string& next_step) {
  for (int tries = 0;; ++tries) {
    try {
      const db::Rows rows = database_.read_one([&](db::Transaction& tx) {
        return tx.query("SELECT epoch, owner, state, step, cancel_req FROM operation WHERE id = ?", {op.id});
      });
      if (rows.empty() || rows.at(0, 0).integer() != op.epoch) return Committed::lost;
      const State state = state_from(rows.at(0, 2).text());
      if (is_end(state)) return Committed::yes;  // under our epoch: only our own commit can have done that
      if (state != State::running || rows.at(0, 1).integer() != op.owner) return Committed::lost;  // swept, or given back
      if (!next_step.empty() && next_step != op.step && rows.at(0, 3).text() == next_step) return Committed::yes;
      return rows.at(0, 4).flag() ? Committed::cancelled : Committed::moved;
    } catch (const std::runtime_error& failure) {
      log::warning("engine", about(op), "look: {}", failure.what());
      clock_.sleep(std::min(backoff(tries), Duration{2'000'000}) / 8);
    }
  }
}

}  // namespace scoria::engine
