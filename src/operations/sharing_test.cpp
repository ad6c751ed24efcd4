#include <atomic>
#include <set>

#include "db/migrate.h"
#include "db/testing.h"
#include "engine/claim.h"
#include "engine/engine.h"
#include "engine/nodes.h"
#include "engine/operations.h"
#include "engine/start.h"
#include "store/migrations.h"

// Who gets which work, and who gives it back.
namespace scoria {
namespace {

/// Goes on until it is told to stop; then says so.
class Long final : public engine::Kind {
 public:
  std::string_view name() const override { return "test.long"; }
  std::vector<std::string_view> steps() const override { return {"only"}; }
  engine::Outcome run(std::size_t, engine::Task& task) const override {
    ++started;
    while (!task.should_stop() && !finish) task.clock().sleep(std::chrono::milliseconds{2});
    return finish ? engine::Outcome::succeed() : engine::Outcome::stopped();
  }
  void settle(db::Transaction&, const engine::Operation&, const engine::Ending&) const override {}
  mutable std::atomic<int> started{0};
  mutable std::atomic<bool> finish{false};
};

class Sharing : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
    auto long_kind = std::make_unique<Long>();
    long_ = long_kind.get();
    kinds_.add(std::move(long_kind));
    database().write([](db::Transaction& tx) {
      tx.run("INSERT INTO backend (name, zone, created_at) VALUES ('a', 'nova', 1), ('b', 'nova', 1)");
    });
  }
  std::string operation(const std::string& queue, const std::string& project = "p", engine::Priority priority = engine::Priority::normal) {
    const std::string id = random_.uuid();
    database().write([&](db::Transaction& tx) {
      engine::start(tx, kinds_, {.id = id, .kind = "test.long", .queue = queue, .backend = queue.substr(0, 1), .project_id = project, .user_id = "u", .request_id = "r",
                                 .resource_type = "none", .resource_id = "none", .priority = priority});
    });
    return id;
  }
  std::vector<engine::Operation> claim(std::vector<std::string> queues, std::size_t limit, const engine::ClaimLimits& limits = {}) {
    return engine::claim(database(), clock(), kinds_, 1, queues, limit, limits);
  }
  std::string state(const std::string& id) {
    return std::string(to_text(database().read([&](db::Transaction& tx) { return engine::find_operation(tx, id); })->state));
  }
  template <class What>
  bool soon(What&& what) {
    const Deadline deadline = Deadline::in(clock(), std::chrono::milliseconds{2500});
    while (!what() && !deadline.passed(clock())) clock().sleep(std::chrono::milliseconds{5});
    return what();
  }
  std::unique_ptr<engine::Engine> node(const std::string& host, bool alone = false) {
    auto out = std::make_unique<engine::Engine>(
        database(), clock(), random_, kinds_,
        engine::EngineOptions{.membership = {.host = host, .roles = "volume", .beat = std::chrono::milliseconds{50}, .exclusive = alone},
                              .poll = std::chrono::milliseconds{50}, .slots = 2, .bulk_slots = 2},
        [] {});
    out->start();
    out->serve("a");
    return out;
  }

  SystemRandom random_;
  engine::Kinds kinds_;
  const Long* long_ = nullptr;
};
SCORIA_EVERY_ENGINE(Sharing);

TEST_P(Sharing, deletes_come_before_creates_and_creates_before_bulk) {
  const std::string bulk = operation("a", "p", engine::Priority::bulk), create = operation("a"), removal = operation("a", "p", engine::Priority::release);
  std::vector<std::string> order;
  for (int i = 0; i < 3; ++i) order.push_back(claim({"a"}, 1).at(0).id);
  EXPECT_EQ(order, (std::vector<std::string>{removal, create, bulk}));
}

TEST_P(Sharing, a_project_at_its_limit_leaves_the_slots_to_others) {
  for (int i = 0; i < 20; ++i) operation("a", "flood", engine::Priority::release);
  const std::string other = operation("a", "other");
  const engine::ClaimLimits limits{.project = 3, .backends = {}};
  std::multiset<std::string> projects;
  for (const engine::Operation& one : claim({"a"}, 2, limits)) projects.insert(one.project_id);
  for (const engine::Operation& one : claim({"a"}, 8, limits)) projects.insert(one.project_id);
  EXPECT_EQ(projects.count("flood"), 3u);
  EXPECT_EQ(projects.count("other"), 1u);
  EXPECT_TRUE(claim({"a"}, 8, limits).empty());
  database().write([](db::Transaction& tx) { tx.run("UPDATE operation SET state = 'succeeded' WHERE state = 'running' AND project_id = 'flood'"); });
  EXPECT_EQ(claim({"a"}, 8, limits).size(), 3u);
}

TEST_P(Sharing, a_backend_at_its_limit_keeps_no_other_waiting) {
  for (int i = 0; i < 5; ++i) operation("a"), operation("a!bulk"), operation("b");
  const engine::ClaimLimits limits{.project = 0, .backends = {{"a", 3}}};
  EXPECT_EQ(claim({"a"}, 2, limits).size(), 2u);
  EXPECT_EQ(claim({"a!bulk", "b!bulk"}, 4, limits).size(), 1u) << "long work counts as well";
  const std::vector<engine::Operation> more = claim({"a", "b"}, 8, limits);
  EXPECT_EQ(more.size(), 5u);
  for (const engine::Operation& one : more) EXPECT_EQ(one.backend, "b");
}

TEST_P(Sharing, a_drained_node_gives_back_what_it_runs_and_takes_it_up_when_it_is_resumed) {
  const auto one = node("one");
  const std::string id = operation("a!bulk");
  ASSERT_TRUE(soon([&] { return long_->started == 1; }));
  const auto seen = [&] { return database().read([](db::Transaction& tx) { return engine::list_nodes(tx); }).at(0); };
  EXPECT_EQ(seen().running, 1);
  EXPECT_TRUE(seen().alive);
  ASSERT_TRUE(engine::set_resting(database(), "one", true));
  EXPECT_TRUE(soon([&] { return state(id) == "ready"; }));
  EXPECT_EQ(seen().state, "draining");
  EXPECT_EQ(seen().running, 0);
  clock().sleep(std::chrono::milliseconds{150});
  EXPECT_EQ(long_->started, 1);
  ASSERT_TRUE(engine::set_resting(database(), std::to_string(one->incarnation()), false));
  EXPECT_TRUE(soon([&] { return long_->started == 2; }));
  EXPECT_FALSE(engine::set_resting(database(), "nobody", true));
  long_->finish = true;
  EXPECT_TRUE(soon([&] { return state(id) == "succeeded"; }));
  one->drain(std::chrono::seconds{1});
  EXPECT_EQ(seen().state, "gone");
}

TEST_P(Sharing, a_node_that_retires_gives_everything_to_those_who_stay) {
  const auto one = node("one");
  const std::string short_one = operation("a"), long_one = operation("a!bulk");
  ASSERT_TRUE(soon([&] { return long_->started == 2; }));
  one->retire();
  EXPECT_TRUE(soon([&] { return state(short_one) == "ready" && state(long_one) == "ready"; }));
  one->drain(std::chrono::seconds{1});
}

TEST_P(Sharing, alone_with_its_database_it_keeps_what_requests_wait_for) {
  const auto one = node("one", true);
  const std::string short_one = operation("a"), long_one = operation("a!bulk");
  ASSERT_TRUE(soon([&] { return long_->started == 2; }));
  one->retire();
  EXPECT_TRUE(soon([&] { return state(long_one) == "ready"; }));
  EXPECT_EQ(state(short_one), "running");
  long_->finish = true;
  EXPECT_TRUE(soon([&] { return state(short_one) == "succeeded"; }));
  one->drain(std::chrono::seconds{1});
}

}  // namespace
}  // namespace scoria
