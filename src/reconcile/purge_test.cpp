#include "reconcile/purge.h"

#include "db/testing.h"
#include "reconcile/invariants.h"
#include "store/migrations.h"

namespace scoria::reconcile {
namespace {

constexpr std::int64_t hour = 3'600'000'000;

class Purges : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    db::testing::EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
  }
  void run(const std::string& sql, const db::Values& values = {}) {
    database().write([&](db::Transaction& tx) { tx.run(sql, values); });
  }
  std::int64_t count(const std::string& what) {
    return database().read([&](db::Transaction& tx) { return tx.query("SELECT count(*) FROM " + what).at(0, 0).integer(); });
  }
  /// Made and, if it has ended, ended that many hours ago.
  void add_operation(const std::string& id, int hours, bool ended) {
    run("INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, created_at, updated_at, "
        "finished_at) VALUES (?, 'k', 1, 'q', 'p', 'u', 'r', 'volume', 'v', ?, 0, 1, 's', '{}', '{}', scoria_now() - ?, 1, CASE WHEN ? = 1 THEN scoria_now() - ? ELSE NULL END)",
        {id, ended ? "succeeded" : "ready", hours * hour, ended, hours * hour});
  }
  /// Turns until a round is over; their number.
  int round(const PurgeOptions& options) {
    Purge purge(database(), options);
    int turns = 0;
    do {
      run("UPDATE chore SET due_at = 0");
      EXPECT_TRUE(purge.turn());
      EXPECT_LT(++turns, 100);
    } while (database().read([](db::Transaction& tx) { return tx.query("SELECT 1 FROM chore WHERE due_at > scoria_now() + 60000000").empty(); }));
    return turns;
  }
};
SCORIA_EVERY_ENGINE(Purges);

TEST_P(Purges, operations_go_in_batches_once_they_have_ended_long_enough) {
  for (int i = 0; i < 25; ++i) add_operation("old" + std::to_string(i), 50, i != 7);
  for (int i = 0; i < 5; ++i) add_operation("new" + std::to_string(i), 1, true);
  Purge purge(database(), {.operations = std::chrono::hours{24}, .batch = 10});
  EXPECT_TRUE(purge.turn());
  EXPECT_EQ(count("operation"), 21);  // one batch looked at ten, of which one lives
  EXPECT_GE(round({.operations = std::chrono::hours{24}, .batch = 10}), 2);
  EXPECT_EQ(count("operation WHERE id LIKE 'old%'"), 1);
  EXPECT_EQ(count("operation WHERE id = 'old7'"), 1);
  EXPECT_EQ(count("operation WHERE id LIKE 'new%'"), 5);
}

TEST_P(Purges, an_operation_made_long_ago_that_ended_just_now_stays) {
  add_operation("o", 50, true);
  run("UPDATE operation SET finished_at = scoria_now()");
  round({.operations = std::chrono::hours{24}});
  EXPECT_EQ(count("operation"), 1);
}

TEST_P(Purges, nothing_is_thrown_away_when_retention_says_so) {
  add_operation("o", 5000, true);
  run("INSERT INTO outbox (id, topic, body, created_at) VALUES ('e', 't', '{}', 1)");
  round({.operations = Duration::zero(), .events = Duration::zero()});
  EXPECT_EQ(count("operation"), 1);
  EXPECT_EQ(count("outbox"), 1);
}

TEST_P(Purges, keys_messages_tokens_events_locks_and_incarnations_go_with_their_time) {
  for (const char* when : {"scoria_now() - 1000000000000", "scoria_now() + 1000000000"}) {
    const std::string end = when, id = end.find('-') != std::string::npos ? "'old'" : "'new'";
    run("INSERT INTO idempotency (project_id, user_id, key, request_hash, op, resource_id, expires_at) VALUES ('p', 'u', " + id + ", 'h', 'o', 'v', " + end + ")");
    run("INSERT INTO message (id, project_id, action_id, detail_id, message_level, created_at, expires_at) VALUES (" + id + ", 'p', '001', '001', 'ERROR', 1, " + end + ")");
    run("INSERT INTO identity_token (hash, user_id, audit_id, issued_at, expires_at) VALUES (" + id + ", 'u', 'a', 1, " + end + ")");
    run("INSERT INTO outbox (id, topic, body, created_at) VALUES (" + id + ", 't', '{}', " + end + ")");
    run("INSERT INTO log_setting (host, prefix, level, created_at) VALUES ('h', " + id + ", 'DEBUG', " + end + ")");
    run("INSERT INTO lease_lock (name, holder, token, until) VALUES (" + id + ", '', 1, " + end + ")");
    run("INSERT INTO node (host, roles, state, lease_until, started_at, release, schema_version) VALUES (" + id + ", 'api', 'gone', " + end + ", 1, '1', 1)");
  }
  run("INSERT INTO node (host, roles, state, lease_until, started_at, release, schema_version) VALUES ('shown', 'volume', 'fenced', 1, 1, '1', 1), ('lives', 'volume', 'up', 1, 1, '1', 1)");
  run("INSERT INTO service (host, binary_name, id, zone, inc, created_at, updated_at) SELECT 'h', 'b', 'i', 'z', inc, 1, 1 FROM node WHERE host = 'shown'");
  // A token that ended an hour ago may still be asked for.
  run("INSERT INTO identity_token (hash, user_id, audit_id, issued_at, expires_at) VALUES ('late', 'u', 'a', 1, scoria_now() - 3600000000)");
  round({});
  for (const std::string table : {"idempotency", "message", "outbox", "log_setting", "lease_lock"}) EXPECT_EQ(count(table), 1) << table;
  EXPECT_EQ(count("identity_token"), 2);
  EXPECT_EQ(count("node WHERE host IN ('new', 'shown', 'lives')"), 3);
  EXPECT_EQ(count("node"), 3);
}

TEST_P(Purges, one_node_at_a_time_does_it_and_another_when_that_one_died) {
  Purge one(database(), {}), other(database(), {});
  EXPECT_TRUE(one.turn());
  EXPECT_FALSE(other.turn());
  EXPECT_THROW(store::chores::run_turn(database(), "dies", std::chrono::minutes{1}, [](const std::string&) -> store::chores::Next { throw std::runtime_error("killed"); }),
               std::runtime_error);
  const auto fine = [](const std::string&) { return store::chores::Next{std::chrono::minutes{1}, "done"}; };
  EXPECT_FALSE(store::chores::run_turn(database(), "dies", std::chrono::minutes{1}, fine));
  run("UPDATE chore SET due_at = scoria_now() WHERE name = 'dies'");
  EXPECT_TRUE(store::chores::run_turn(database(), "dies", std::chrono::minutes{1}, fine));
}

TEST_P(Purges, who_was_overtaken_in_its_turn_does_not_plan_the_next) {
  store::chores::run_turn(database(), "c", std::chrono::minutes{1}, [&](const std::string&) {
    run("UPDATE chore SET due_at = 0");
    EXPECT_TRUE(store::chores::run_turn(database(), "c", std::chrono::minutes{1}, [](const std::string&) { return store::chores::Next{std::chrono::minutes{1}, "second"}; }));
    return store::chores::Next{Duration::zero(), "first"};
  });
  EXPECT_EQ(count("chore WHERE progress = 'second' AND due_at > scoria_now()"), 1);
}

}  // namespace
}  // namespace scoria::reconcile
