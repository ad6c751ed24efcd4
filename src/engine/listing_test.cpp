#include "engine/find.h"
#include "engine/nodes.h"
#include "engine/testing.h"

namespace scoria::engine {
namespace {

class Listing : public testing::OnEveryEngine {
 protected:
  std::string listed(const OperationFilter& filter) {
    return database().read([&](db::Transaction& tx) {
      std::string out;
      for (const Operation& op : list_operations(tx, filter)) out += op.id + " ";
      return out;
    });
  }
  std::optional<Claim> own(const std::string& id) {
    const Operation op = operation(id);
    return database().read([&](db::Transaction& tx) { return own_claim(tx, op); });
  }
  void add_snapshot(const std::string& id, const std::string& x_op) {
    sql("INSERT INTO snapshot (id, volume_id, project_id, user_id, status, size_gib, volume_type_id, backend, pool, metadata, created_at, x_op, x_mode) "
        "VALUES (?, 'v', 'p', 'u', 'available', 1, 'type', 'b', 'pool', '{}', 1, ?, 'X')", {id, x_op});
  }
  void add_attachment(const std::string& id, const std::string& x_op) {
    sql("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, created_at, x_op, x_mode) VALUES (?, 'v', 'p', 'u', 'attached', 1, ?, 'L')", {id, x_op});
  }
};
SCORIA_EVERY_ENGINE(Listing);

TEST_P(Listing, a_row_is_read_as_it_stands) {
  start({.id = "other"});
  const std::string id = start({.claims = {{"volume", "v", Mode::shared}, {"snapshot", "s", Mode::exclusive}}});
  start({.id = "after", .claims = {{"volume", "w", Mode::lasting}}});
  set(id, "ver = 2, queue = 'q', backend = 'b', project_id = 'p', user_id = 'u', request_id = 'r', resource_type = 'volume', resource_id = 'v', state = 'waiting', prio = 3, "
          "run_at = 11, deadline = 12, epoch = 4, owner = 5, attempt = 6, deaths = 7, step = 'second', cancel_req = 1, backend_gen = 8, input = '{\"i\":1}', ctx = '{\"c\":1}', "
          "reason = 'because', err_code = 'code', err_text = 'words', parent = 'above', open_children = 9, waits_on = 'children', phase = 'copying', done_bytes = 21, "
          "total_bytes = 22, history = 'h', created_at = 31, claimed_at = 32, updated_at = 33, finished_at = 34");
  const Operation op = operation(id);
  EXPECT_EQ(op.seq, 2);
  EXPECT_EQ(fmt::format("{} {} {} {} {} {} {} {} {} {}", op.id, op.kind, op.version, op.queue, op.backend, op.project_id, op.user_id, op.request_id, op.resource_type, op.resource_id),
            id + " test.played 2 q b p u r volume v");
  EXPECT_EQ(fmt::format("{} {} {} {} {} {} {} {} {} {} {}", to_text(op.state), op.priority, op.run_at.micros, op.deadline.micros, op.epoch, op.owner, op.attempt, op.deaths, op.step,
                        op.cancel_requested, op.backend_generation),
            "waiting 3 11 12 4 5 6 7 second true 8");
  EXPECT_EQ(fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}", op.input, op.context, op.reason, op.error_code, op.error_text, op.parent, op.open_children, op.waits_on, op.phase, op.done_bytes,
                        op.total_bytes, op.history),
            R"({"i":1} {"c":1} because code words above 9 children copying 21 22 h)");
  EXPECT_EQ(fmt::format("{} {} {} {}", op.created_at.micros, op.claimed_at.micros, op.updated_at.micros, op.finished_at.micros), "31 32 33 34");
  ASSERT_EQ(op.claims.size(), 2u);
  EXPECT_EQ(op.claims[0].type + " " + op.claims[0].id + " " + static_cast<char>(op.claims[0].mode), "snapshot s X");
  EXPECT_EQ(op.claims[1].type + " " + op.claims[1].id + " " + static_cast<char>(op.claims[1].mode), "volume v S");
  EXPECT_FALSE(operation("other").cancel_requested);
  EXPECT_TRUE(operation("other").claims.empty());
  const auto ending = database().read([&](db::Transaction& tx) { return find_ending(tx, id); });
  ASSERT_TRUE(ending);
  EXPECT_EQ(std::string(to_text(ending->state)) + ending->code + ending->text, "waitingcodewords");
  EXPECT_FALSE(database().read([](db::Transaction& tx) { return find_operation(tx, "none"); }));
  EXPECT_FALSE(database().read([](db::Transaction& tx) { return find_ending(tx, "none"); }));
}

TEST_P(Listing, each_filter_restricts_and_together_they_all_do) {
  sql("INSERT INTO setting (name, value) VALUES ('x', 'y')");
  start({.id = "a", .project_id = "p1", .request_id = "r1", .resource_id = "v1"});
  start({.id = "b", .project_id = "p1", .request_id = "r2", .resource_id = "v2"});
  start({.id = "c", .project_id = "p2", .request_id = "r1", .resource_id = "v1"});
  start({.id = "d", .project_id = "p2", .request_id = "r2", .resource_id = "v1", .parent = "a"});
  set("b", "state = 'running'");
  set("c", "state = 'failed', kind = 'test.other'");
  EXPECT_EQ(listed({}), "d c b a ");
  EXPECT_EQ(listed({.project_id = "p1"}), "b a ");
  EXPECT_EQ(listed({.resource_id = "v1"}), "d c a ");
  EXPECT_EQ(listed({.request_id = "r1"}), "c a ");
  EXPECT_EQ(listed({.kind = "test.played"}), "d b a ");
  EXPECT_EQ(listed({.parent = "a"}), "d ");
  EXPECT_EQ(listed({.project_id = "p2", .resource_id = "v1", .request_id = "r1"}), "c ");
  EXPECT_EQ(listed({.states = {State::ready}}), "d a ");
  EXPECT_EQ(listed({.states = {State::running, State::failed}}), "c b ");
  EXPECT_EQ(listed({.project_id = "p1", .states = {State::running, State::failed}}), "b ");
  EXPECT_EQ(listed({.states = {State::dead}}), "");
  EXPECT_EQ(listed({.limit = 3}), "d c b ");
  EXPECT_EQ(listed({.before_seq = operation("c").seq}), "b a ");
  EXPECT_EQ(listed({.before_seq = operation("a").seq}), "");
  EXPECT_EQ(listed({.project_id = "p2", .before_seq = operation("d").seq}), "c ");
  EXPECT_EQ(listed({.before_seq = 1}), "") << "nothing is older than the first";
}

TEST_P(Listing, the_newest_of_a_kind_on_a_resource_is_found) {
  start({.id = "old", .resource_id = "v"});
  start({.id = "new", .resource_id = "v"});
  start({.id = "elsewhere", .resource_id = "w"});
  start({.id = "another", .resource_id = "v"});
  set("another", "kind = 'test.other'");
  const auto newest = [&](const std::string& resource, const std::string& kind) {
    const auto found = database().read([&](db::Transaction& tx) { return newest_of(tx, resource, kind); });
    return found ? found->id : "nothing";
  };
  EXPECT_EQ(newest("v", "test.played"), "new");
  EXPECT_EQ(newest("v", "test.other"), "another");
  EXPECT_EQ(newest("w", "test.other"), "nothing");
}

TEST_P(Listing, the_claim_on_its_own_resource_is_what_the_resource_says) {
  for (const char* id : {"holds", "waits", "ended", "snap", "attach", "none"}) start({.id = id});
  set("holds", "resource_type = 'volume', resource_id = 'v'");
  set("waits", "resource_type = 'volume', resource_id = 'v'");
  set("ended", "resource_type = 'volume', resource_id = 'w', state = 'failed'");
  set("snap", "resource_type = 'snapshot', resource_id = 's'");
  set("attach", "resource_type = 'attachment', resource_id = 'a'");
  set("none", "resource_type = 'volume_type', resource_id = 'type'");
  add_volume("v", "x_op = 'holds', x_mode = 'L'");
  add_volume("w", "x_op = 'ended', x_mode = 'X'");
  add_volume("x", "x_op = 'waits', x_mode = 'X'");
  add_snapshot("s", "snap");
  add_attachment("a", "attach");
  const auto held = own("holds");
  ASSERT_TRUE(held);
  EXPECT_EQ(held->type + " " + held->id + " " + static_cast<char>(held->mode), "volume v L");
  EXPECT_FALSE(own("waits"));
  EXPECT_FALSE(own("ended"));
  EXPECT_FALSE(own("none"));
  ASSERT_TRUE(own("snap"));
  EXPECT_EQ(own("snap")->mode, Mode::exclusive);
  ASSERT_TRUE(own("attach"));
  EXPECT_EQ(own("attach")->mode, Mode::lasting);
}

TEST_P(Listing, the_backlog_tells_why_operations_are_where_they_are) {
  const auto as = [&](const std::string& queue, int count, const std::string& assignments) {
    for (int i = 0; i < count; ++i) set(start({.queue = queue}), assignments);
  };
  as("a", 1, "state = 'ready'");
  as("a", 2, "run_at = run_at + 60000000");
  as("a", 3, "attempt = 1");
  as("a", 4, "state = 'running'");
  as("a", 5, "state = 'waiting', waits_on = 'op:x'");
  as("b", 6, "state = 'waiting', waits_on = 'readers:volume:v'");
  as("b", 7, "state = 'waiting', waits_on = 'children'");
  as("b", 8, "state = 'failed'");
  as("b", 9, "state = 'running'");
  std::map<std::string, std::int64_t> seen;
  database().read([&](db::Transaction& tx) {
    for (const Backlog& one : backlog(tx)) EXPECT_TRUE(seen.emplace(one.queue + " " + one.state + " " + one.reason, one.operations).second);
  });
  const std::map<std::string, std::int64_t> wanted = {{"a ready due", 1}, {"a ready later", 2}, {"a ready retry", 3}, {"a running ", 4}, {"a waiting operation", 5},
                                                      {"b waiting readers", 6}, {"b waiting children", 7}, {"b running ", 9}};
  EXPECT_EQ(seen, wanted);
}

TEST_P(Listing, nodes_are_those_that_are_there_and_of_each_host_the_newest) {
  add_node("a", "gone", -5'000'000);
  const auto up = add_node("a", "up", 5'000'000), draining = add_node("a", "draining", 5'000'000), late = add_node("a", "up", -5'000'000), fenced = add_node("a", "fenced", 5'000'000);
  add_node("b", "fenced", -5'000'000);
  const auto left = add_node("b", "gone", -5'000'000);
  sql("UPDATE node SET roles = 'api', release = '2.1', started_at = 1234 WHERE inc = ?", {up});
  set(start(), fmt::format("state = 'running', owner = {}", up));
  set(start(), fmt::format("state = 'running', owner = {}", up));
  set(start(), fmt::format("state = 'ready', owner = {}", up));
  set(start(), fmt::format("state = 'running', owner = {}", late));
  const auto nodes = database().read([](db::Transaction& tx) { return list_nodes(tx); });
  std::string seen;
  for (const NodeSeen& node : nodes) seen += fmt::format("{}:{}:{}:{}:{} ", node.incarnation, node.host, node.state, node.alive, node.running);
  EXPECT_EQ(seen, fmt::format("{}:a:up:true:2 {}:a:draining:true:0 {}:a:up:false:1 {}:a:fenced:false:0 {}:b:gone:false:0 ", up, draining, late, fenced, left));
  ASSERT_FALSE(nodes.empty());
  EXPECT_EQ(fmt::format("{} {} {}", nodes[0].roles, nodes[0].release, nodes[0].started_at.micros), "api 2.1 1234");
  EXPECT_GT(nodes[0].lease_left, std::chrono::seconds{3});
  EXPECT_LE(nodes[0].lease_left, std::chrono::seconds{5});
}

TEST_P(Listing, a_node_rests_by_its_number_or_its_hosts_name) {
  const auto first = add_node("a", "up", 5'000'000), second = add_node("a", "draining", 5'000'000), other = add_node("b", "up", 5'000'000), dead = add_node("a", "fenced", 5'000'000);
  const auto states = [&] {
    std::string out;
    for (const auto inc : {first, second, other, dead}) out += text(fmt::format("SELECT state FROM node WHERE inc = {}", inc)) + " ";
    return out;
  };
  ASSERT_TRUE(set_resting(database(), "a", true));
  EXPECT_EQ(states(), "draining draining up fenced ");
  ASSERT_TRUE(set_resting(database(), "a", true)) << "twice is no error";
  ASSERT_TRUE(set_resting(database(), std::to_string(second), false)) << "one row";
  EXPECT_EQ(states(), "draining up up fenced ");
  for (const std::string& unknown : {std::string("c"), std::to_string(dead), std::to_string(dead + 1)}) {
    const auto refused = set_resting(database(), unknown, true);
    ASSERT_FALSE(refused) << unknown;
    EXPECT_EQ(refused.error().code, RefusalCode::not_found);
  }
  EXPECT_EQ(states(), "draining up up fenced ");
}

class ListingNow : public testing::InStillTime {};

TEST_F(ListingNow, what_is_due_in_this_moment_does_not_come_later_and_a_lease_that_ends_in_it_is_over) {
  start();
  const auto seen = database().read([](db::Transaction& tx) { return backlog(tx); });
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].reason, "due");
  add_node("a", "up", 0);
  EXPECT_FALSE(database().read([](db::Transaction& tx) { return list_nodes(tx); }).at(0).alive);
}

}  // namespace
}  // namespace scoria::engine
