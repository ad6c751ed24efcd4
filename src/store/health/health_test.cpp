#include "store/health/health.h"

#include "store/testing.h"

namespace scoria::store::health {
namespace {

using testing::joined;
using testing::Texts;

/// Nodes in every state: 1 up, 2 draining, 3 up and at the very end of its lease, 4 fenced, 5 stopped, 6 draining and over.
class Health : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    node(1, "up", "scoria_now() + 60000000"), node(2, "draining", "scoria_now() + 60000000"), node(3, "up", not_over()), node(4, "fenced", "scoria_now() + 60000000");
    node(5, "stopped", "1"), node(6, "draining", "scoria_now() - 60000000");
  }
  void node(int inc, const std::string& state, const std::string& lease) {
    run("INSERT INTO node (inc, host, roles, state, lease_until, started_at, release, schema_version) VALUES (?, ?, 'all', ?, " + lease + ", 1, ?, 1)",
        {inc, "host" + std::to_string(inc), state, inc % 2 == 0 ? "r2" : "r1"});
  }
  struct Service {
    std::string host;
    int inc = 1;
    std::string binary = "cinder-volume", cluster = {};
    bool backend_up = true, disabled = false;
    std::string reason = {};
  };
  void service(const Service& s) {
    run("INSERT INTO service (host, binary_name, id, zone, cluster, inc, backend_up, backend_reason, disabled, disabled_reason, created_at, updated_at) "
        "VALUES (?, ?, ?, 'nova', ?, ?, ?, 'why', ?, ?, 1, 7)",
        {s.host, s.binary, s.host + s.binary, db::or_null(s.cluster), s.inc, s.backend_up, s.disabled, db::or_null(s.reason)});
  }
};
SCORIA_EVERY_ENGINE(Health);

TEST_P(Health, a_nodes_newest_report_is_told_while_it_lives) {
  const auto publish_all = [&](const std::string& report) {
    database().write([&](db::Transaction& tx) {
      for (const int inc : {2, 1, 3, 4}) publish(tx, inc, report + std::to_string(inc));
    });
  };
  publish_all("old"), publish_all("new");
  EXPECT_EQ(rows("SELECT inc, report, reported_at FROM node_report ORDER BY inc"), (Texts{"1|new1|now", "2|new2|now", "3|new3|now", "4|new4|now"}));
  database().write([](db::Transaction& tx) { publish(tx, 1, "newest"); });
  EXPECT_EQ(rows("SELECT inc, report FROM node_report ORDER BY inc"), (Texts{"1|newest", "2|new2", "3|new3"})) << "that of a fenced node goes";
  run("UPDATE node_report SET reported_at = inc * 10");
  if (!still()) run("UPDATE node SET lease_until = 1 WHERE inc = 3");
  Texts told;
  for (const Report& one : read([](auto& tx) { return reports(tx); })) told.push_back(joined(one.incarnation, one.host, one.report, one.reported_at));
  EXPECT_EQ(told, (Texts{"1|host1|newest|10", "2|host2|new2|20"}));
}

TEST_P(Health, services_are_lost_whose_node_died) {
  for (int inc = 1; inc <= 6; ++inc) service({.host = "of" + std::to_string(inc), .inc = inc});
  service({.host = "switched", .inc = 4, .disabled = true, .reason = "repair"}), service({.host = "just-disabled", .inc = 4, .disabled = true});
  service({.host = "noted", .inc = 4, .reason = "repaired"}), service({.host = "of4", .inc = 4, .binary = "cinder-backup"});
  Texts told;
  for (const LostService& one : read([](auto& tx) { return lost_services(tx); })) told.push_back(joined(one.host, one.binary, one.updated_at));
  EXPECT_EQ(told, (Texts{"just-disabled|cinder-volume|7", "noted|cinder-volume|7", "of4|cinder-backup|7", "of4|cinder-volume|7", "of6|cinder-volume|7"}));
}

TEST_P(Health, backends_are_broken_that_a_live_node_cannot_reach) {
  for (int inc = 6; inc >= 1; --inc) service({.host = "of" + std::to_string(inc), .inc = inc, .backend_up = false});
  service({.host = "well", .inc = 1});
  if (!still()) run("UPDATE node SET lease_until = 1 WHERE inc = 3");
  Texts told;
  for (const BrokenBackend& one : read([](auto& tx) { return broken_backends(tx); })) told.push_back(joined(one.host, one.reason));
  EXPECT_EQ(told, (Texts{"of1|why", "of2|why"}));
}

TEST_P(Health, releases_are_those_of_live_nodes) {
  if (!still()) run("UPDATE node SET lease_until = 1 WHERE inc = 3");
  node(8, "up", "scoria_now() + 60000000");
  EXPECT_EQ(read([](auto& tx) { return live_releases(tx); }), (std::vector<std::pair<std::string, std::string>>{{"r1", "host1"}, {"r2", "host2, host8"}}));
}

TEST_P(Health, backends_hold_volumes_in_any_pool) {
  for (const auto& [backend, name, volumes] : {std::tuple{"b", "p", 2}, {"b", "q", 3}, {"a", "p", 1}, {"c", "p", 0}})
    run("INSERT INTO pool (backend, name, volumes, unit_bytes, minimum_bytes, report, reported_at) VALUES (?, ?, ?, 1, 1, '{}', 1)", {backend, name, volumes});
  Texts told;
  for (const Holding& one : read([](auto& tx) { return backends_with_volumes(tx); })) told.push_back(joined(one.name, one.volumes));
  EXPECT_EQ(told, (Texts{"a|1", "b|5"}));
}

class Stuck : public Health {
 protected:
  void operation(const std::string& id, const std::string& state, const std::string& queue, const std::string& run_at, const std::string& deadline, const char* reason = "r") {
    run("INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, deadline, step, input, ctx, reason, "
        "created_at, updated_at) VALUES (?, 'k', 1, ?, 'p', 'u', 'q', 'volume', 'v', ?, 10, " + run_at + ", " + deadline + ", '', '{}', '{}', ?, 1, 8)",
        {id, queue, state, reason});
  }
  Texts told(std::size_t limit = 100) {
    Texts out;
    for (const StuckOperation& one : read([&](auto& tx) { return stuck_operations(tx, limit); })) out.push_back(one.id + (one.unserved ? " unserved" : ""));
    return out;
  }
  const std::string late_ = "scoria_now() - 70000000", soon_ = "scoria_now() - 50000000";
};
SCORIA_EVERY_ENGINE(Stuck);

TEST_P(Stuck, operations_are_those_beyond_their_time_or_dead_oldest_first) {
  service({.host = "b", .inc = 1});
  const std::string edge = not_over() + " - 60000000";
  operation("late", "running", "b", "1", late_), operation("at-its-end", "running", "b", "1", edge), operation("in-time", "running", "b", "1", soon_);
  operation("no-deadline", "running", "b", "1", "NULL"), operation("waits", "waiting", "b", "1", late_), operation("failed", "dead", "b", "1", "NULL");
  operation("done", "succeeded", "b", "1", late_), operation("ready-late", "ready", "b", late_, late_), operation("ready-edge", "ready", "b", late_, edge);
  operation("planned", "ready", "b", edge, late_), operation("told", "dead", "b", "1", "9");
  run("UPDATE operation SET err_text = 'e' WHERE id = 'told'");
  EXPECT_EQ(told(), (Texts{"late", "failed", "ready-late", "told"}));
  EXPECT_EQ(told(2), (Texts{"late", "failed"}));
  const auto all = read([](auto& tx) { return stuck_operations(tx, 9); });
  ASSERT_EQ(all.size(), 4u);
  const auto cells = [](const StuckOperation& o) { return joined(o.id, o.kind, o.state, o.queue, o.resource_type, o.resource_id, o.text, o.since, o.deadline); };
  EXPECT_EQ(cells(all[1]), "failed|k|dead|b|volume|v|r|8|0");
  EXPECT_EQ(cells(all[3]), "told|k|dead|b|volume|v|e|8|9");
}

TEST_P(Stuck, operations_are_those_in_queues_that_nobody_serves) {
  service({.host = "served", .inc = 1}), service({.host = "drained", .inc = 2}), service({.host = "lost", .inc = 4}), service({.host = "broken", .inc = 1, .backend_up = false});
  service({.host = "member", .inc = 1, .cluster = "c"}), service({.host = "api", .inc = 1, .binary = "cinder-api"});
  for (const char* queue : {"served", "served!bulk", "drained", "lost", "broken", "member", "c", "c!bulk", "scheduler", "nobody!bulk"}) operation(queue, "ready", queue, late_, "NULL");
  operation("not-yet", "ready", "nobody", soon_, "NULL"), operation("late-too", "ready", "nobody", late_, late_), operation("has-time", "ready", "nobody", late_, soon_);
  operation("has-a-moment", "ready", "nobody", late_, not_over() + " - 60000000");
  EXPECT_EQ(told(), (Texts{"lost unserved", "broken unserved", "member unserved", "scheduler unserved", "nobody!bulk unserved", "late-too", "has-time unserved", "has-a-moment unserved"}));
  service({.host = "any", .inc = 1, .binary = "cinder-scheduler"});
  EXPECT_EQ(told(), (Texts{"lost unserved", "broken unserved", "member unserved", "nobody!bulk unserved", "late-too", "has-time unserved", "has-a-moment unserved"}));
}

}  // namespace
}  // namespace scoria::store::health
