#pragma once
#include <any>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "engine/operation.h"
#include "engine/pins.h"

namespace scoria::engine {

/// Changes that belong to a step's commit. Runs inside the guarded transaction, perhaps more than once: it changes
/// nothing but through `tx`, and owns all it uses.
using Commit = std::function<void(db::Transaction& tx)>;

/// What a step tells the engine to make durable. A step never commits by itself: its changes ride in the one transaction
/// that moves the operation, which only the owner of the current epoch can win.
struct Outcome {
  enum class Action { advance, retry, wait, succeed, fail, stopped };
  Action action = Action::stopped;
  std::string context;   // advance, wait: the operation's new context
  std::string to_step;   // advance: empty = the next one
  std::string queue;     // advance: empty = stay on this queue
  std::string backend;   // advance: with `queue`
  std::string waits_on;  // wait: "op:<id>", "children", "readers:<type>:<id>" …
  std::string code, text;
  bool counted = true;   // retry: counts as an attempt (busy backends do not)
  Commit commit;
  std::any told;         // succeed: what those need not ask for who wait for the end in this process

  /// The step is done: its changes, then the next step.
  static Outcome advance(std::string context, Commit commit = {});
  Outcome&& onto(std::string new_queue, std::string new_backend) &&;
  Outcome&& back_to(std::string step) &&;
  /// Not now: again later, with backoff, until the operation's deadline. `reason` is shown to users.
  static Outcome retry(std::string reason, bool counted = true);
  /// Holds no thread until somebody wakes it.
  static Outcome wait(std::string waits_on, std::string reason, Commit commit = {});
  static Outcome succeed(Commit commit = {}, std::any told = {});
  /// Ends as failed. `text` is a sentence for the user, `code` the detail of a user message.
  static Outcome fail(std::string code, std::string text, Commit commit = {});
  /// The task was told to stop (drain, cancel, lost ownership): what is recorded so far is all there is.
  static Outcome stopped();
};

struct Progress {
  std::string phase;
  std::int64_t done_bytes = 0, total_bytes = 0;
};

/// A claimed operation as a step sees it.
class Task {
 public:
  virtual ~Task() = default;
  virtual const Operation& operation() const = 0;
  virtual Clock& clock() const = 0;
  /// Until when a backend call may last: the rest of this node's lease, at most the operation's deadline.
  virtual Deadline leash() const = 0;
  /// For long copies, asked between units of work: draining, cancelled or no longer the owner.
  virtual bool should_stop() const = 0;
  /// Makes context and progress durable inside a step. False: no longer the owner, or cancelled; return stopped().
  virtual bool checkpoint(const std::string& context, const Progress& progress) = 0;
};

/// How an operation ended.
struct Ending {
  State state;
  std::string code, text;
  std::any told = {};  // by the step that ended it, in this process
};

/// A kind of operation: its ordered steps and what its end means for the resources. Stateless and shared by threads.
class Kind {
 public:
  virtual ~Kind() = default;
  virtual std::string_view name() const = 0;
  /// The newest version of its operations: of what they carry and of their steps. It rises with either, and rows say theirs.
  virtual int version() const { return 1; }
  /// The oldest version that this build still runs.
  virtual int oldest_version() const { return 1; }
  /// Of all versions, in their order.
  virtual std::vector<std::string_view> steps() const = 0;
  /// Whether operations of that version have the step.
  virtual bool has_step(std::size_t, int) const { return true; }
  virtual Outcome run(std::size_t step, Task& task) const = 0;
  /// Names of the stored shapes that its operations carry (domain/shapes.h); empty: nothing but `{}`.
  struct Shapes {
    std::string_view input, context;
  };
  virtual Shapes shapes() const { return {}; }
  /// The first step at which it can no longer be cancelled; empty: always can until its end.
  virtual std::string_view point_of_no_return() const { return {}; }
  /// The resource's side of the end, in the ending transaction: rest status, X and L claims given back.
  virtual void settle(db::Transaction& tx, const Operation& operation, const Ending& ending) const = 0;

  bool cancellable_at(std::string_view step) const;
  /// The step that operations of that version take after this one (all: first). Empty after the last.
  std::string_view step_after(std::string_view step, int version) const;
  std::string_view first_step(int version) const { return step_after({}, version); }
};

/// A kind whose steps are member functions: `Self::table` is its list of {name, member}, a step that was added later with the
/// version of the kind since which there is one.
template <class Self>
class StepKind : public Kind {
 public:
  struct Step {
    std::string_view name;
    Outcome (Self::*run)(Task&) const;
    int since = 1;  // the versions of operations that take it
    int until = std::numeric_limits<int>::max();
  };
  std::vector<std::string_view> steps() const override {
    std::vector<std::string_view> names;
    for (const auto& step : Self::table()) names.push_back(step.name);
    return names;
  }
  bool has_step(std::size_t step, int version) const override { return Self::table()[step].since <= version && version <= Self::table()[step].until; }
  Outcome run(std::size_t step, Task& task) const override {
    return (static_cast<const Self*>(this)->*(Self::table()[step].run))(task);
  }
};

/// Every kind this build knows, and which versions may be started now. A node claims only what it knows.
class Kinds {
 public:
  void add(std::unique_ptr<Kind> kind);
  const Kind* find(std::string_view name) const;
  std::vector<const Kind*> all() const;
  /// The kind, if it runs operations of that version.
  const Kind* find(std::string_view name, int version) const;
  /// "kind/version" of everything it runs, for SQL's {in:…}.
  const db::Value& known() const { return known_; }

  Pins& pins() { return pins_; }
  const Pins& pins() const { return pins_; }
  /// The version in which an operation of that kind is to be started now; 0: not yet (engine/upgrade.h).
  int version_to_start(const Kind& kind) const { return pins_.at_most("kind:" + std::string(kind.name()), kind.version()); }

 private:
  db::Value known_;
  Pins pins_;
  std::map<std::string, std::unique_ptr<Kind>, std::less<>> kinds_;
};

}  // namespace scoria::engine
