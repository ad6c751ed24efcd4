#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "db/database.h"

/// Work that recurs and that one node at a time does: looking through a backend's inventory, throwing away what is old.
/// The turn is a convenience, not a lock: a paused node may go on with its own after another took the next, so whatever
/// is done in it must be safe twice.
namespace scoria::store::chores {

/// How a turn ended: when the next one is due, and what it goes on from.
struct Next {
  Duration after;
  std::string progress;
};

/// Takes the turn of `name` if one is due, runs `work` with the progress so far (empty at first) and records what it
/// returns. False: not due. If `work` throws, the next turn is due `lease` after this one began, for any node.
bool run_turn(db::Database& database, std::string_view name, Duration lease, const std::function<Next(const std::string& progress)>& work);

/// The next turn is due now, whatever was planned.
void hurry(db::Transaction& tx, std::string_view name);

}  // namespace scoria::store::chores
