#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"

/// What must be true of the database after every commit, whatever was killed, paused or lost: the invariants I1 to I18 of
/// docs/explanation/invariants.md, as far as rows can show them. What storage holds is the inventory's business.
namespace scoria::reconcile {

struct Violation {
  std::string invariant;  // "I4"
  std::string text;       // a sentence with the ids
};

struct InvariantOptions {
  bool timely = true;        // also those that need time to have been given: deadlines, fenced owners (I7, I18)
  bool events_kept = false;  // no relay deletes events: each ended operation has its start and its end (I17)
};

/// Evaluates all of them on one snapshot; empty means all is well. Reads only. At most 20 rows per statement are told.
std::vector<Violation> check_invariants(db::Database& database, const InvariantOptions& options = {});
std::vector<Violation> check_invariants(db::Transaction& tx, const InvariantOptions& options = {});

/// The ids that are evaluated, each once, in order: for reports.
std::vector<std::string> invariants();

}  // namespace scoria::reconcile
