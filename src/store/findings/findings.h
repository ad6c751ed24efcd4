#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "db/database.h"

/// How storage and hosts differ from the database. A finding stays until a later look does not find it again.
namespace scoria::store::findings {

struct Finding {
  std::string place;    // the backend, or the host whose exports were looked at
  std::string kind;     // "orphan", "missing" …: docs/explanation/reconciler.md
  std::string subject;  // "pool/object" or an id
  std::string text;     // a sentence: what, and what to do
  Timestamp found_at, seen_at;
};

/// Records it; one that is known keeps the time it was first found. True: it was not known.
bool record(db::Transaction& tx, const std::string& place, std::string_view kind, const std::string& subject, const std::string& text);
/// Forgets those of a place that were looked for and not seen since `before`: kinds that begin with `kinds`, subjects in
/// (after, last], or all after it if `last` is empty.
void forget(db::Transaction& tx, const std::string& place, std::string_view kinds, const std::string& after, const std::string& last, Timestamp before);
/// Found at least `age` ago, by the database's clock.
bool older(db::Transaction& tx, const std::string& place, std::string_view kind, const std::string& subject, Duration age);

/// Oldest first, at most `limit`.
std::vector<Finding> list(db::Transaction& tx, std::size_t limit);
struct Count {
  std::string kind;
  std::int64_t findings = 0;
};
std::vector<Count> counts(db::Transaction& tx);

}  // namespace scoria::store::findings
