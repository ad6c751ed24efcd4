#include "reconcile/purge.h"

#include <fmt/core.h>

#include "base/failpoint.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace scoria::reconcile {
namespace {

const metrics::Counters purged{"scoria_purged_rows_total", "Rows thrown away because they were over.", {"table"}};

/// Rows that are over `age` after the time in a column; parameters: age, how many at most.
struct Old {
  const char* table;
  const char* sql;
};
constexpr Old expired[] = {
    {"idempotency", "DELETE FROM idempotency WHERE (project_id, user_id, key) IN (SELECT project_id, user_id, key FROM idempotency WHERE expires_at < scoria_now() - ? "
                    "ORDER BY expires_at LIMIT ?)"},
    {"message", "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE expires_at < scoria_now() - ? ORDER BY expires_at LIMIT ?)"},
};
// Services may accept a token for some time after its end.
constexpr Old tokens = {"identity_token",
                        "DELETE FROM identity_token WHERE hash IN (SELECT hash FROM identity_token WHERE expires_at < scoria_now() - ? ORDER BY expires_at LIMIT ?)"};
constexpr Old log_settings = {"log_setting", "DELETE FROM log_setting WHERE seq IN (SELECT seq FROM log_setting WHERE created_at < scoria_now() - ? ORDER BY seq LIMIT ?)"};
// Free for so long that a token which begins with the time rises, even if the database's clock went back a little.
constexpr Old locks = {"lease_lock", "DELETE FROM lease_lock WHERE name IN (SELECT name FROM lease_lock WHERE until < scoria_now() - ? ORDER BY name LIMIT ?) "
                                     "AND until < scoria_now()"};
constexpr Old events = {"outbox", "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE created_at < scoria_now() - ? ORDER BY seq LIMIT ?)"};
constexpr Old incarnations = {"node", "DELETE FROM node WHERE inc IN (SELECT inc FROM node WHERE state IN ('fenced', 'gone') AND lease_until < scoria_now() - ? "
                                      "AND inc NOT IN (SELECT inc FROM service) AND inc NOT IN (SELECT owner FROM operation WHERE state = 'running' AND owner IS NOT NULL) "
                                      "ORDER BY inc LIMIT ?)"};

}  // namespace

bool Purge::turn() {
  return store::chores::run_turn(database_, "purge", std::chrono::minutes{1}, [&](const std::string& progress) { return batches(progress); });
}

/// `progress` is the number of the last operation looked at in this round; empty between rounds.
store::chores::Next Purge::batches(const std::string& progress) {
  const auto limit = static_cast<std::int64_t>(options_.batch);
  bool more = false;
  const auto run = [&](const Old& old, Duration age) {
    FAILPOINT("reconcile.purge.batch");
    const std::int64_t gone = database_.write([&](db::Transaction& tx) { return tx.change(old.sql, {age.count(), limit}); });
    purged.with({old.table}).add(static_cast<double>(gone));
    more |= gone == limit;
  };
  for (const Old& old : expired) run(old, Duration::zero());
  run(tokens, std::chrono::hours{24 * 7});
  run(log_settings, std::chrono::hours{24});
  run(locks, std::chrono::hours{24});
  run(incarnations, options_.incarnations);
  if (options_.events > Duration::zero()) run(events, options_.events);
  std::int64_t next = 0;
  if (options_.operations > Duration::zero()) {
    const std::int64_t gone = purge_operations(progress.empty() ? 0 : std::atoll(progress.c_str()), next);
    purged.with({"operation"}).add(static_cast<double>(gone));
  }
  if (next > 0) return {options_.pause, std::to_string(next)};
  return {more ? options_.pause : options_.period, {}};
}

/// Operations are numbered in the order they were made, so a round walks the old ones by their key and needs no index of
/// its own. `next`: the last number looked at; 0 when the round is over.
std::int64_t Purge::purge_operations(std::int64_t after, std::int64_t& next) {
  return database_.write([&](db::Transaction& tx) {
    const db::Rows seen = tx.query("SELECT seq FROM operation WHERE seq > ? AND created_at < scoria_now() - ? ORDER BY seq LIMIT ?",
                                   {after, options_.operations.count(), static_cast<std::int64_t>(options_.batch)});
    next = seen.size() == options_.batch ? seen.at(seen.size() - 1, 0).integer() : 0;
    if (seen.empty()) return std::int64_t{0};
    return tx.change("DELETE FROM operation WHERE seq > ? AND seq <= ? AND finished_at < scoria_now() - ?",
                     {after, seen.at(seen.size() - 1, 0), options_.operations.count()});
  });
}

}  // namespace scoria::reconcile
