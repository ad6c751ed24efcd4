#include "engine/launch.h"
#include "engine/nodes.h"
#include "engine/testing_nodes.h"

namespace scoria::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Resting : public testing::Nodes {};

TEST_F(Resting, a_node_that_is_asked_to_rest_gives_back_what_it_has_and_takes_it_up_when_asked_again) {
  lasts("first", seconds{3});
  lasts_until_stopped("second");
  Node& own = begin(rare());
  const auto other = add_node("other", "draining", 60'000'000);
  const std::string in_step = put(), stops = start({.first_step = "second"}), bulk = start({.queue = "work!bulk", .first_step = "second"});
  own.engine->poke("work"), own.engine->poke("work!bulk");
  wait_ms(1500);
  EXPECT_EQ(state(in_step) + " " + state(stops) + " " + state(bulk), "running running running") << "another node rests";
  ASSERT_TRUE(set_resting(database(), "own", true));
  wait_ms(1000);
  EXPECT_EQ(state(in_step) + " " + state(stops) + " " + state(bulk), "running ready ready");
  const std::string late = put();
  own.engine->poke("work");
  wait_ms(1000);
  EXPECT_EQ(waited(late), -1);
  EXPECT_EQ(state(in_step) + " " + operation(in_step).step + operation(in_step).reason, "ready second") << "handed over, for its node does not serve now";
  played_->does.clear();
  ASSERT_TRUE(set_resting(database(), "own", false));
  wait_ms(1000);
  EXPECT_EQ(number("SELECT count(*) FROM operation WHERE state = 'succeeded'"), 4) << "at once";
  EXPECT_FALSE(own.fenced);
  EXPECT_EQ(text(fmt::format("SELECT state FROM node WHERE inc = {}", other)), "draining");
}

TEST_F(Resting, who_is_about_to_end_is_not_woken_again) {
  lasts_until_stopped("first");
  Node& own = begin(rare());
  const std::string here = put(), bulk = put("work!bulk");
  own.engine->poke("work"), own.engine->poke("work!bulk");
  wait_ms(100);
  own.engine->retire();
  EXPECT_EQ(node_state(own), "draining");
  wait_ms(100);
  EXPECT_EQ(state(here) + " " + state(bulk), "ready ready");
  sql("UPDATE node SET state = 'up'");
  wait_ms(1100);
  own.engine->poke("work"), own.engine->poke("work!bulk");
  wait_ms(100);
  EXPECT_EQ(operation(here).epoch + operation(bulk).epoch, 2) << "nothing is claimed again";
}

TEST_F(Resting, with_a_database_of_its_own_only_long_work_is_given_back_at_first) {
  lasts_until_stopped("first");
  Node& own = begin(rare({.exclusive = true}));
  const std::string here = put(), bulk = put("work!bulk");
  own.engine->poke("work"), own.engine->poke("work!bulk");
  wait_ms(100);
  own.engine->retire();
  wait_ms(1100);
  EXPECT_EQ(state(here) + " " + state(bulk), "running ready");
  const std::string next = start({.first_step = "second"});
  own.engine->poke("work");
  settle();
  EXPECT_EQ(state(next), "succeeded");
  const Instant begun = clock().now();
  own.engine->drain(seconds{5});
  EXPECT_LE(clock().now() - begun, milliseconds{20});
  EXPECT_EQ(state(here), "ready");
}

TEST_F(Resting, an_idle_node_leaves_at_once) {
  Node& own = begin(rare());
  wait_ms(150);
  const Instant begun = clock().now();
  own.engine->drain(seconds{5});
  EXPECT_LE(clock().now() - begun, milliseconds{10});
  EXPECT_EQ(node_state(own), "gone");
  const std::string late = put();
  wait_ms(3000);
  EXPECT_EQ(waited(late), -1);
  EXPECT_FALSE(own.engine->reserve("new", "scheduler"));
}

TEST_F(Resting, the_heart_beats_until_the_last_operation_is_given_back) {
  lasts("first", seconds{6});
  Node& own = begin(rare());
  const std::string id = put();
  own.engine->poke("work");
  wait_ms(500);
  const Instant begun = clock().now();
  std::string meanwhile;
  clock().spawn("look", [&] {
    wait_ms(5400);
    meanwhile = fmt::format("{} {} {}", node_state(own), state(id), beats(own));
  });
  own.engine->drain(seconds{30});
  EXPECT_EQ(meanwhile, "draining running 6");
  EXPECT_LE(clock().now() - begun, milliseconds{5520});
  EXPECT_EQ(state(id) + " " + operation(id).step, "ready second");
  EXPECT_EQ(node_state(own), "gone");
}

TEST_F(Resting, a_drain_ends_at_its_limit) {
  lasts("first", seconds{6});
  Node& own = begin(rare());
  put();
  own.engine->poke("work");
  wait_ms(500);
  const Instant begun = clock().now();
  own.engine->drain(seconds{2});
  EXPECT_GE(clock().now() - begun, seconds{2});
  EXPECT_LE(clock().now() - begun, milliseconds{2010});
  wait_ms(10'000);
}

class Slot : public testing::Nodes {
 protected:
  void SetUp() override {
    testing::Nodes::SetUp();
    sql("INSERT INTO backend (name, zone, gen, created_at) VALUES ('b', 'nova', 3, 1)");
  }
  static std::string told(const std::optional<Berths::Berth>& berth) { return berth ? fmt::format("{} {}", berth->owner, berth->generation) : "none"; }
};

TEST_F(Slot, it_is_kept_where_the_node_serves_and_knows_what_it_works_on) {
  Node& own = begin(rare(), {"scheduler", "b", "bound"});
  wait_ms(50);
  Engine& engine = *own.engine;
  EXPECT_EQ(told(engine.reserve("x", "b")), "none") << "nothing of it was run yet";
  EXPECT_EQ(told(engine.reserve("x", "elsewhere")), "none");
  EXPECT_EQ(told(engine.reserve("x", "scheduler")), fmt::format("{} 0", engine.incarnation()));
  EXPECT_EQ(engine.running(), 1u);
  EXPECT_EQ(told(engine.reserve("y", "scheduler")), "none") << "one of two is for what is claimed";
  engine.release("x", "scheduler");
  EXPECT_EQ(engine.running(), 0u);
  const std::string first = put("b", "b");
  engine.poke("b");
  wait_ms(50);
  ASSERT_EQ(state(first), "succeeded");
  EXPECT_EQ(told(engine.reserve("x", "b")), fmt::format("{} 3", engine.incarnation()));
  engine.release("x", "b");
  engine.serve("b", 1);
  EXPECT_EQ(told(engine.reserve("x", "b")), "none") << "counted where it is claimed";
  engine.serve("b", 0);
  own.database.before_write = [] { throw db::Error("gone"); };
  wait_ms(4000);
  EXPECT_EQ(told(engine.reserve("x", "scheduler")), "none") << "its lease may be over";
  own.database.before_write = {};
  wait_ms(1100);
  EXPECT_NE(told(engine.reserve("x", "scheduler")), "none");
  engine.release("x", "scheduler");
  sql("UPDATE node SET state = 'draining'");
  wait_ms(1100);
  EXPECT_EQ(told(engine.reserve("x", "scheduler")), "none") << "it rests";
}

TEST_F(Slot, there_is_none_where_the_running_operations_of_a_project_are_counted_or_none_runs_any_more) {
  EngineOptions options = rare({.exclusive = true});
  options.project_limit = 1;
  Node& counted = begin(options, {"scheduler"});
  wait_ms(50);
  EXPECT_EQ(told(counted.engine->reserve("x", "scheduler")), "none");
  counted.engine->drain(seconds{5});
  options.project_limit = 0;
  Node& own = begin(options, {"scheduler"});
  wait_ms(50);
  EXPECT_NE(told(own.engine->reserve("x", "scheduler")), "none");
  own.engine->release("x", "scheduler");
  own.engine->drain(seconds{5});
  EXPECT_EQ(told(own.engine->reserve("x", "scheduler")), "none");
}

TEST_F(Slot, what_is_given_back_is_taken_by_who_waits) {
  lasts("first", milliseconds{500});
  Node& own = begin(rare(), {"scheduler"});
  wait_ms(50);
  ASSERT_TRUE(own.engine->reserve("x", "scheduler"));
  const std::string first = put("scheduler"), second = put("scheduler");
  own.engine->poke("scheduler");
  wait_ms(50);
  EXPECT_EQ(state(first) + " " + state(second), "running ready");
  own.engine->release("x", "scheduler");
  settle();
  EXPECT_EQ(state(second), "running");
}

TEST_F(Slot, what_is_born_in_it_runs_there_and_ends_at_its_time_limit) {
  played_->does["first"] = [](Task& task) {
    task.clock().sleep(seconds{2});
    return Outcome::retry("the array is away");
  };
  Node& own = begin(rare(), {"scheduler"});
  wait_ms(50);
  for (const int limit : {0, 1, 3}) {
    const std::string id = "limit" + std::to_string(limit);
    Launch launch(own.engine.get(), id, "scheduler");
    NewOperation wanted{.id = id, .queue = "scheduler"};
    if (limit > 0) wanted.time_limit = seconds{limit};
    start(wanted, &launch);
    launch.committed([](const std::string&) { ADD_FAILURE() << "it needs nobody"; });
    wait_ms(2100);
    EXPECT_EQ(end_of(id), limit == 1 ? "failed|timed_out|Gave up at its time limit. The last obstacle: the array is away" : "nothing");
    EXPECT_EQ(operation(id).epoch, 1);
    EXPECT_EQ(own.engine->running(), 0u);
    set(id, "state = 'failed'");
  }
}

TEST_F(Slot, what_is_born_while_its_node_comes_to_rest_goes_back_unrun) {
  Node& own = begin(rare(), {"scheduler"});
  wait_ms(50);
  Launch launch(own.engine.get(), "op", "scheduler");
  start({.id = "op", .queue = "scheduler"}, &launch);
  ASSERT_EQ(state("op"), "running");
  sql("UPDATE node SET state = 'draining'");
  wait_ms(1100);
  launch.committed([](const std::string&) {});
  settle();
  EXPECT_EQ(state("op"), "ready");
  EXPECT_TRUE(played_->ran.empty());
}

TEST_F(Slot, what_is_born_when_its_node_has_drained_goes_back) {
  Node& own = begin(rare(), {"scheduler"});
  wait_ms(50);
  Launch launch(own.engine.get(), "op", "scheduler");
  start({.id = "op", .queue = "scheduler"}, &launch);
  own.engine->drain(seconds{5});
  launch.committed([](const std::string&) {});
  EXPECT_EQ(state("op"), "ready");
  EXPECT_EQ(own.engine->running(), 0u);
  EXPECT_TRUE(played_->ran.empty());
}

}  // namespace
}  // namespace scoria::engine
