#pragma once
#include <any>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "db/database.h"

namespace scoria::engine {

/// ready → running → ready (retry, hand-over, takeover) | waiting → ready | one of the four ends.
enum class State { ready, running, waiting, succeeded, failed, cancelled, dead };
std::string_view to_text(State state);
State state_from(std::string_view text);
inline bool is_end(State state) { return state == State::succeeded || state == State::failed || state == State::cancelled || state == State::dead; }

/// What an operation holds of a resource, from its start to its end (durable-operations: claims).
enum class Mode : char {
  exclusive = 'X',  // delete, retype, revert: nobody else; waits for readers before its first step
  lasting = 'L',    // attach, detach, extend: the object stays, so readers may go on
  shared = 'S',     // source of a copy
};
struct Claim {
  std::string type;  // table of the resource: "volume", "snapshot", "attachment"
  std::string id;
  Mode mode;
};

/// A durable piece of work: the row that says what is to be done, who does it and how far it is.
struct Operation {
  std::int64_t seq = 0;
  std::string id;
  std::string kind;
  int version = 1;
  std::string queue;
  std::string backend;  // whose generation the claim copies; empty: none
  std::string project_id, user_id, request_id;
  std::string resource_type, resource_id;
  State state = State::ready;
  int priority = 0;
  Timestamp run_at, deadline;
  std::int64_t epoch = 0;
  std::int64_t owner = 0;
  int attempt = 0;
  int deaths = 0;
  std::string step;
  bool cancel_requested = false;
  std::int64_t backend_generation = 0;
  std::string input, context;  // JSON of versioned structures of the kind
  std::string reason, error_code, error_text;
  std::string parent;
  std::int64_t open_children = 0;
  std::string waits_on;
  std::string phase;
  std::int64_t done_bytes = 0, total_bytes = 0;
  std::string history;  // {"step":…,"epoch":…,"at":…}, …
  Timestamp created_at, claimed_at, updated_at, finished_at;
  std::vector<Claim> claims;  // filled for operations claimed to run
  std::any seen;              // NewOperation::seen, for the first run of the first step where it was born
  std::any told;              // Outcome::told, once it has ended well
  Instant expires = never;    // deadline on this machine's clock, for operations claimed to run
};

/// Columns in the order that read_operation() expects.
extern const std::string_view operation_columns;
Operation read_operation(const db::Rows& rows, std::size_t row);

/// The queue of long data movers of a backend: claimed by slots of their own, so that they never delay short work.
inline std::string bulk(std::string_view queue) { return std::string(queue) + "!bulk"; }
inline bool is_bulk(std::string_view queue) { return queue.ends_with("!bulk"); }
/// For metrics, which name no backends.
inline std::string_view lane_of(std::string_view queue) { return is_bulk(queue) ? "bulk" : queue == "scheduler" ? "scheduler" : "backend"; }

}  // namespace scoria::engine
