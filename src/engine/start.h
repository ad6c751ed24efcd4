#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/kind.h"
#include "engine/launch.h"

namespace scoria::engine {

/// Operations wait in queues: of the schedulers, or of one backend (its name).
inline constexpr std::string_view scheduler_queue = "scheduler";

/// Guard of an operation born running: its backend is not as its node believed.
inline constexpr std::string_view stale_generation = "generation";

/// Interactive short work before bulk, delete and detach before create.
enum class Priority : int { bulk = 0, normal = 10, release = 20 };

struct NewOperation {
  std::string id;  // chosen before the transaction: an ambiguous COMMIT is looked up by it
  std::string kind;
  std::string queue;
  std::string backend;  // empty: none
  std::string project_id, user_id, request_id;
  std::string resource_type, resource_id;
  Priority priority = Priority::normal;
  std::optional<Duration> time_limit;  // from now; none: retried for ever
  std::string input = "{}";            // JSON of the kind's versioned input
  std::string context = "{}";          // not "{}": steps before first_step are done already, and left this
  std::vector<Claim> claims;           // taken by the caller in the same transaction
  std::string parent;
  std::string waits_on;                // not empty: starts waiting for it
  std::string first_step;              // empty: the kind's first
  std::any seen;                       // what its first step would read again; never stored: a step that finds nothing here reads it
};

/// Makes the operation exist, in the caller's transaction, in the version that may be started now; what it carries is written
/// in that version (Kinds::version_to_start). A kind that may not be started yet fails the guard `not_yet` (engine/upgrade.h).
/// A repeated id is a unique violation. With a `launch` that has a slot it is
/// born running, unless it starts waiting; that fails as guard `stale_generation` if the backend has another one than this node knows.
void start(db::Transaction& tx, const Kinds& kinds, const NewOperation& operation, Launch* launch = nullptr);

/// Asks an operation to stop. Refuses `invalid_state` past its point of no return or when it has ended, `not_found`.
/// Idempotent. The owner, or the next one, ends it as cancelled.
Result<> request_cancel(db::Database& database, const Kinds& kinds, const std::string& id);
/// The same inside a transaction, for a command that goes on (force delete): false if it cannot be cancelled any more.
bool request_cancel(db::Transaction& tx, const Kinds& kinds, const Operation& operation);

/// A dead or failing operation: makes it ready again at its step (admin). Only for `dead`… see operations.md.
Result<> retry_now(db::Database& database, const std::string& id);

}  // namespace scoria::engine
