#include "engine/claim.h"

#include "engine/testing.h"

namespace scoria::engine {
namespace {

class Claiming : public testing::OnEveryEngine {
 protected:
  /// Their ids, in the order in which they came.
  std::string claimed(std::vector<std::string> queues, std::size_t limit, const ClaimLimits& limits = {}) {
    last_ = claim(database(), clock(), kinds_, 7, queues, limit, limits);
    std::string out;
    for (const Operation& op : last_) out += op.id + " ";
    return out;
  }
  std::string start_in(const std::string& queue, const std::string& project, const std::string& backend = {}, Priority priority = Priority::normal) {
    return start({.queue = queue, .backend = backend, .project_id = project, .priority = priority});
  }
  std::vector<Operation> last_;
};
SCORIA_EVERY_ENGINE(Claiming);

TEST_P(Claiming, the_most_urgent_of_ones_own_queues_that_are_due_and_known_are_taken) {
  const std::string normal = start_in("a", "p"), urgent = start_in("c", "p", "", Priority::release), other = start_in("b", "p", "", Priority::release);
  const std::string due_first = start_in("a", "p"), later = start_in("a", "p"), waiting = start({.queue = "a", .waits_on = "op:other"});
  const std::string unknown = start_in("a", "p"), newer = start_in("a", "p"), running = start_in("a", "p"), ended = start_in("a", "p");
  set(due_first, "run_at = run_at - 5000000");
  set(later, "run_at = run_at + 60000000");
  set(unknown, "kind = 'test.unknown'");
  set(newer, "ver = 2");
  set(running, "state = 'running', owner = 3, epoch = 9");
  set(ended, "state = 'succeeded'");
  EXPECT_EQ(claimed({"a", "c", "d"}, 1), urgent + " ");
  EXPECT_EQ(claimed({"a", "c", "d"}, 1), due_first + " ") << "not the one that was made first";
  set(due_first, "state = 'ready'");
  EXPECT_EQ(claimed({"c", "d", "a"}, 10), normal + " " + due_first + " ") << "as they were made";
  EXPECT_EQ(claimed({"c", "d", "a"}, 10), "");
  EXPECT_EQ(operation(running).owner, 3);
  EXPECT_EQ(operation(running).epoch, 9);
  for (const std::string& left : {other, later, unknown, newer}) EXPECT_EQ(state(left), "ready");
  EXPECT_EQ(state(waiting), "waiting");
  EXPECT_EQ(state(ended), "succeeded");
  EXPECT_EQ(operation(due_first).epoch, 2);
}

TEST_P(Claiming, without_queues_or_room_the_database_is_not_asked) {
  start_in("a", "p");
  const auto before = database().statistics().transactions;
  EXPECT_EQ(claimed({}, 10), "");
  EXPECT_EQ(claimed({"a"}, 0), "");
  EXPECT_EQ(database().statistics().transactions, before);
}

TEST_P(Claiming, who_claims_is_told_all_that_the_row_says) {
  sql("INSERT INTO backend (name, zone, gen, created_at) VALUES ('a', 'nova', 3, 1), ('b', 'nova', 5, 1)");
  const std::string first = start({.queue = "a", .backend = "a", .time_limit = std::chrono::seconds{100}, .claims = {{"volume", "v", Mode::shared}, {"snapshot", "s", Mode::exclusive}}});
  const std::string second = start({.queue = "a", .backend = "b", .claims = {{"volume", "w", Mode::lasting}}});
  const std::string third = start({.queue = "a"});
  start({.queue = "b", .claims = {{"volume", "x", Mode::shared}}});
  set(third, "epoch = 4");
  ASSERT_EQ(claimed({"a"}, 10), first + " " + second + " " + third + " ");
  EXPECT_EQ(last_[0].backend_generation, 3);
  EXPECT_EQ(last_[1].backend_generation, 5);
  EXPECT_EQ(last_[2].backend_generation, 0);
  EXPECT_EQ(last_[2].epoch, 5);
  for (const Operation& op : last_) EXPECT_EQ(std::pair(op.state, op.owner), std::pair(State::running, std::int64_t{7}));
  ASSERT_EQ(last_[0].claims.size(), 2u);
  EXPECT_EQ(last_[0].claims[0].type + last_[0].claims[0].id + static_cast<char>(last_[0].claims[0].mode), "snapshotsX");
  EXPECT_EQ(last_[0].claims[1].type + last_[0].claims[1].id + static_cast<char>(last_[0].claims[1].mode), "volumevS");
  ASSERT_EQ(last_[1].claims.size(), 1u);
  EXPECT_EQ(last_[1].claims[0].id, "w");
  EXPECT_TRUE(last_[2].claims.empty());
  EXPECT_LE(last_[0].expires, clock().now() + std::chrono::seconds{100});
  EXPECT_GT(last_[0].expires, clock().now() + std::chrono::seconds{90});
  EXPECT_EQ(last_[1].expires, never);
}

class ClaimLimited : public Claiming {
 protected:
  std::string allowed(std::size_t most, const ClaimLimits& limits) {
    const std::vector<std::string> queues = {"a", "c"};
    return database().write([&](db::Transaction& tx) {
      std::string out;
      for (const std::int64_t seq : within_limits(tx, kinds_, queues, most, limits)) out += tx.query("SELECT id FROM operation WHERE seq = ?", {seq}).at(0, 0).text() + " ";
      return out;
    });
  }
  void run_in(const std::string& project, const std::string& backend, int count) {
    for (int i = 0; i < count; ++i) set(start_in("elsewhere", project, backend), "state = 'running', owner = 3");
  }
};
SCORIA_EVERY_ENGINE(ClaimLimited);

TEST_P(ClaimLimited, projects_and_backends_get_as_many_places_as_they_have_left) {
  run_in("p1", "", 2), run_in("p2", "b3", 1), run_in("p5", "b3", 2), run_in("p6", "b1", 1), run_in("p7", "b2", 1);
  set(start_in("a", "p2"), "state = 'failed'");
  start_in("a", "p1");  // op9: p1 is full
  start_in("a", "p2");
  start_in("a", "p2");  // op11: now p2 is, too
  start_in("c", "p3", "b1");
  start_in("c", "p3", "b2");
  start_in("c", "p4", "b2");
  start_in("c", "p4", "b3");
  start_in("a", "p3");
  start_in("a", "p3");  // op17
  start_in("b", "p8");
  set(start_in("a", "p8"), "state = 'waiting'");
  set(start_in("a", "p8"), "run_at = run_at + 60000000");
  set(start_in("a", "p8"), "ver = 2");
  const ClaimLimits limits{.project = 2, .backends = {{"b1", 1}, {"b2", 2}}};
  EXPECT_EQ(allowed(20, limits), "op10 op13 op15 op16 ");
  EXPECT_EQ(allowed(2, limits), "op10 op13 ");
  EXPECT_EQ(allowed(20, {.project = 0, .backends = {{"b1", 1}, {"b2", 2}}}), "op9 op10 op11 op13 op15 op16 op17 ");
  EXPECT_EQ(allowed(20, {.project = 2, .backends = {}}), "op10 op12 op13 op14 op15 ");
  EXPECT_EQ(allowed(20, {.project = 1, .backends = {}}), "op12 op14 ");
  EXPECT_EQ(claimed({"a", "c"}, 3, limits), "op10 op13 op15 ");
  EXPECT_EQ(claimed({"a", "c"}, 3, limits), "op16 ");
  EXPECT_EQ(claimed({"a", "c"}, 3, limits), "");
}

TEST_P(ClaimLimited, the_flood_of_one_project_does_not_hide_another) {
  for (int i = 0; i < 14; ++i) start_in("a", "flood");
  const std::string other = start_in("a", "other");
  const std::string urgent = start_in("c", "flood", "", Priority::release);
  EXPECT_EQ(allowed(2, {.project = 1, .backends = {}}), urgent + " " + other + " ");
}

class ClaimingNow : public testing::InStillTime {
 protected:
  std::vector<Operation> claimed(const ClaimLimits& limits = {}) {
    const std::vector<std::string> queues = {"work"};
    return claim(database(), clock(), kinds_, 7, queues, 10, limits);
  }
};

TEST_F(ClaimingNow, what_is_due_in_this_moment_is_due) {
  start();
  start({.project_id = "other"});
  EXPECT_EQ(claimed({.project = 1, .backends = {}}).size(), 2u);
  start();
  EXPECT_EQ(claimed().size(), 1u);
}

TEST_F(ClaimingNow, a_transaction_that_the_database_runs_again_claims_nothing_twice) {
  start();
  database().twice = true;
  EXPECT_EQ(claimed().size(), 1u);
}

TEST_F(ClaimingNow, a_time_limit_counts_from_the_start) {
  start({.time_limit = std::chrono::seconds{100}});
  clock().sleep(std::chrono::seconds{30});
  EXPECT_EQ(claimed().at(0).expires, clock().now() + std::chrono::seconds{70});
}

}  // namespace
}  // namespace scoria::engine
