#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "db/database.h"
#include "engine/pins.h"

/// Versions of a deployment whose nodes are replaced one by one. What nodes write is pinned to what the release can read that
/// was finalised last, so that it may come back; finalize() raises the pins to what every LIVING incarnation can read. Rows of
/// dead ones count for nothing. Pins never go down.
namespace scoria::engine {

/// In the transaction of a start: refuses (`conflict`, a text for the operator) a build that the deployment has left behind or
/// that is not due yet. Until the transaction's end nobody finalises. The first node of a deployment sets the pins.
Result<> admit(db::Transaction& tx, const Versions& versions);
/// Makes known what an incarnation can read.
void publish(db::Transaction& tx, std::int64_t incarnation, const Versions& versions);

struct Pinned {
  std::string release;      // finalised last
  Timestamp finalised_at;   // 0: never, it was the first
  VersionMap pins;
  int of(std::string_view name) const {
    const auto found = pins.find(name);
    return found == pins.end() ? 0 : found->second;
  }
};
Pinned pinned(db::Transaction& tx);
/// What admit() answers, without its lock.
Result<> may_start(db::Transaction& tx, const Pinned& pinned, const Versions& versions);

/// An incarnation that may still write: alive, or not silent for long enough.
struct Member {
  std::int64_t incarnation = 0;
  std::string host, roles, release;
  bool silent = false;  // its lease ran out, or it was declared dead, less than `silence` ago
  VersionMap newest;
};
/// After this time a process that was cut off has no transaction left: the server ends one that says nothing for 10 s.
inline constexpr Duration silence = std::chrono::seconds{12};
std::vector<Member> members(db::Transaction& tx);

/// Why finalize() would refuse now, in words; empty: it would not. `own` stands for the members if there are none.
std::vector<std::string> obstacles(const Pinned& pinned, const std::vector<Member>& members, const Versions& own);

/// Raises the pins to what the living can read. Idempotent. Refuses `conflict` with the obstacles.
Result<Pinned> finalize(db::Database& database, const Versions& own);

/// Operations that wait because no living node can read their version get a reason that says so.
void tell_unreadable(db::Database& database);

/// The label with which start() refuses a kind that is not to be written yet, and the refusal.
inline constexpr std::string_view not_yet = "upgrade.not_yet";
Refusal refuse_not_yet();

}  // namespace scoria::engine
