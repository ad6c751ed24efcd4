#include "engine/engine.h"

#include "engine/nodes.h"
#include "engine/testing_nodes.h"

namespace scoria::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Engines : public testing::Nodes {
 protected:
  void SetUp() override {
    testing::Nodes::SetUp();
    sql("INSERT INTO backend (name, zone, gen, created_at) VALUES ('b', 'nova', 3, 1), ('c', 'nova', 5, 1)");
  }
};

TEST_F(Engines, a_node_without_work_writes_nothing_but_its_beats) {
  const auto other = add_node("other", "up", 60'000'000);
  set(put(), "run_at = run_at + 3600000000");
  set(put(), "ver = 2");
  set(put(), "state = 'failed'");
  set(put(), fmt::format("state = 'running', epoch = 1, owner = {}", other));
  put("elsewhere");
  EngineOptions options = rare({.lease = seconds{60}});
  options.poll = seconds{1}, options.membership.sweep = seconds{1};
  Node& own = begin(options, {"a", "work", "z"});
  int writes = 0;
  own.database.before_write = [&] { ++writes; };
  const std::int64_t before = beats(own);
  wait_ms(6500);
  EXPECT_EQ(writes, beats(own) - before);
  EXPECT_GE(writes, 6);
  EXPECT_TRUE(own.database.poked.empty());
  EXPECT_EQ(clock().spawned, (std::map<std::string, int>{{"heartbeat", 1}, {"sweep", 1}, {"dispatch", 1}, {"work", 2}, {"bulk", 1}}));
  EXPECT_FALSE(own.fenced);
  EXPECT_EQ(own.engine->running(), 0u);
}

TEST_F(Engines, from_its_first_moment_a_node_has_slots_and_claims_nothing_unseen) {
  Node& own = make(rare());
  int writes = 0;
  own.database.before_write = [&] { ++writes; };
  own.engine->start();
  own.engine->serve("work"), own.engine->serve("scheduler");
  EXPECT_TRUE(own.engine->reserve("x", "scheduler"));
  own.engine->release("x", "scheduler");
  wait_ms(500);
  EXPECT_EQ(writes, 2) << "it joined and beat once";
}

TEST_F(Engines, what_a_node_serves_from_now_on_is_looked_for_at_once) {
  Node& own = begin(rare(), {});
  wait_ms(100);
  const std::string there = put();
  own.engine->serve("work");
  settle();
  EXPECT_EQ(waited(there), 0);
  EXPECT_EQ(operation(there).state, State::succeeded);
  EXPECT_EQ(own.ended, std::vector<std::string>{there + " succeeded"});
  EXPECT_EQ(own.engine->running(), 0u);
  own.engine->stop_serving("work");
  const std::string late = put();
  own.engine->poke("work");
  wait_ms(50);
  EXPECT_EQ(waited(late), -1);
}

TEST_F(Engines, a_poke_is_taken_without_a_look_first_by_the_lane_it_concerns) {
  Node& own = begin(rare());
  wait_ms(100);
  int writes = 0, reads = 0;
  own.database.before_write = [&] { ++writes; };
  own.database.before_read = [&] { ++reads; };
  const auto poked = [&](const std::string& queue) {
    writes = reads = 0;
    own.database.listens(queue);
    settle();
    const std::string seen = fmt::format("{} claims, {} looks", writes, reads);
    wait_ms(20);
    return seen;
  };
  EXPECT_EQ(poked("work"), "1 claims, 1 looks");
  EXPECT_EQ(poked("work!bulk"), "1 claims, 1 looks");
  EXPECT_EQ(poked(""), "2 claims, 0 looks");
  for (const auto& [queue, poke] : std::vector<std::pair<std::string, std::string>>{{"work", "work"}, {"work!bulk", "work!bulk"}, {"work", ""}, {"work!bulk", ""}}) {
    own.database.listens("");  // a look, just now
    settle();
    wait_ms(2);
    const std::string id = put(queue);
    own.database.listens(poke);
    settle();
    EXPECT_EQ(waited(id), 0) << queue;
    wait_ms(20);
  }
}

TEST_F(Engines, without_a_poke_the_queues_are_looked_at_every_ten_milliseconds_at_most) {
  lasts("first", milliseconds{3});
  Node& own = begin(rare());
  wait_ms(100);
  const std::string first = put();
  own.engine->poke("work");
  settle();
  const std::int64_t looked = operation(first).claimed_at.micros;
  const std::string second = put();
  wait_ms(20);
  EXPECT_EQ(operation(first).finished_at.micros, looked + 3'000);
  EXPECT_EQ(operation(second).claimed_at.micros, looked + 10'000);
}

TEST_F(Engines, it_looks_for_work_a_fifth_sooner_or_later_than_its_poll_says) {
  EngineOptions options = rare();
  options.poll = seconds{1};
  Node& own = begin(options);
  wait_ms(100);
  for (const auto& [says, period] : std::vector<std::pair<std::uint64_t, std::int64_t>>{{0, 800'000}, {400'000, 1'200'000}, {400'001, 800'000}}) {
    own.random.says = says;
    own.engine->serve("now" + std::to_string(says));  // a look
    settle();
    const std::int64_t looked = now() - 1;
    const std::string id = put();
    wait_ms(1300);
    EXPECT_EQ(operation(id).claimed_at.micros, looked + period) << says;
  }
}

TEST_F(Engines, no_more_is_claimed_than_slots_are_free_and_the_next_as_soon_as_one_is) {
  lasts("first", milliseconds{1});
  Node& own = begin(rare());
  wait_ms(100);
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(put());
  own.engine->poke("work");
  settle();
  EXPECT_EQ(number("SELECT count(*) FROM operation WHERE state = 'running'"), 2);
  EXPECT_EQ(own.engine->running(), 2u);
  wait_ms(10);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(waited(ids[static_cast<std::size_t>(i)]), i / 2 * 1000) << i;
}

TEST_F(Engines, long_work_has_slots_of_its_own) {
  lasts("first", milliseconds{50});
  Node& own = begin(rare());
  std::vector<std::string> ids;
  for (const char* queue : {"work!bulk", "work!bulk", "work", "work", "work"}) ids.push_back(put(queue));
  own.engine->poke("work");
  own.engine->poke("work!bulk");
  settle();
  EXPECT_EQ(state(ids[0]) + " " + state(ids[1]) + " " + state(ids[2]) + " " + state(ids[3]) + " " + state(ids[4]), "running ready running running ready");
  wait_ms(200);
  EXPECT_EQ(number("SELECT count(*) FROM operation WHERE state = 'succeeded'"), 5);
}

TEST_F(Engines, a_claim_that_fails_is_tried_again_and_the_loops_go_on) {
  EngineOptions options = rare();
  options.poll = seconds{1};
  Node& own = begin(options);
  wait_ms(100);
  int left = 1;
  own.database.before_write = [&] {
    if (left-- > 0) throw db::Error("gone");
  };
  const std::string id = put();
  own.engine->poke("work");
  wait_ms(1000);
  EXPECT_EQ(waited(id), 900'000);
}

TEST_F(Engines, who_takes_it_at_once_does_not_tell_the_others) {
  lasts("first", milliseconds{20});
  Node& own = begin(rare({.exclusive = true}));
  const auto told = [&](const std::string& queue) {
    own.database.poked.clear();
    own.engine->poke(queue);
    return !own.database.poked.empty() && own.database.poked[0] == queue;
  };
  EXPECT_FALSE(told("work"));
  EXPECT_FALSE(told("work!bulk"));
  EXPECT_TRUE(told("elsewhere"));
  put(), put();
  own.engine->poke("work");
  settle();
  EXPECT_TRUE(told("work")) << "its slots are taken";
  EXPECT_FALSE(told("work!bulk"));
  wait_ms(100);
  EXPECT_FALSE(told("work"));
  sql("UPDATE node SET state = 'draining'");
  wait_ms(1100);
  EXPECT_TRUE(told("work")) << "it rests";
  sql("UPDATE node SET state = 'up'");
  wait_ms(1100);
  EXPECT_FALSE(told("work"));
  own.database.before_write = [] { throw db::Error("gone"); };
  wait_ms(4000);
  EXPECT_TRUE(told("work")) << "its lease may be over";
  own.database.before_write = {};
  wait_ms(1100);
  EXPECT_FALSE(told("work"));
  own.engine->drain(seconds{5});
  EXPECT_TRUE(told("work")) << "it takes nothing any more";
}

TEST_F(Engines, as_many_of_a_backend_run_at_once_as_it_allows) {
  lasts("first", milliseconds{5});
  Node& own = begin(rare());
  own.engine->serve("b", 1);
  own.engine->serve("c", 0);
  std::vector<std::string> ids;
  for (const char* backend : {"b", "b", "c", "c"}) ids.push_back(put(backend, backend));
  own.engine->poke("b");
  settle();
  EXPECT_EQ(state(ids[0]) + " " + state(ids[1]) + " " + state(ids[2]) + " " + state(ids[3]), "running ready running ready");
  wait_ms(100);
  EXPECT_EQ(number("SELECT count(*) FROM operation WHERE state = 'succeeded'"), 4);
  own.engine->serve("b", 0);
  const std::string fifth = put("b", "b"), sixth = put("b", "b");
  own.engine->poke("b");
  settle();
  EXPECT_EQ(state(fifth) + " " + state(sixth), "running running");
}

TEST_F(Engines, an_operation_goes_on_in_the_same_hands_where_this_node_serves_and_nothing_is_counted) {
  Node& own = begin(rare());
  own.engine->serve("b");
  own.engine->serve("c", 1);
  for (const auto& [to, epoch] : std::vector<std::pair<std::string, int>>{{"b", 1}, {"c", 2}, {"elsewhere", 1}}) {
    const bool away = to == "elsewhere";
    played_->does["first"] = [to = to, away](Task&) { return Outcome::advance("{}").onto(to, away ? "b" : to); };
    own.database.poked.clear();
    const std::string id = put();
    own.engine->poke("work");
    wait_ms(30);
    EXPECT_EQ(state(id), away ? "ready" : "succeeded") << to;
    EXPECT_EQ(operation(id).epoch, epoch) << to;
    EXPECT_EQ(!own.database.poked.empty(), away) << to;
  }
  played_->does["first"] = [](Task&) { return Outcome::advance("{}").onto("elsewhere", ""); };
  const std::string near = put();
  own.engine->poke("work");
  wait_ms(30);
  EXPECT_EQ(state(near), "ready") << "the same backend, none, but a queue of others";
}

TEST_F(Engines, listeners_are_told_of_ends_and_of_nothing_else) {
  Node& own = begin(rare());
  played_->does["second"] = [](Task&) { return Outcome::retry("busy"); };
  put();
  own.engine->poke("work");
  wait_ms(30);
  EXPECT_TRUE(own.ended.empty());
  played_->does["second"] = [](Task&) { return Outcome::fail("code", "words"); };
  const std::string fails = put();
  own.engine->poke("work");
  wait_ms(30);
  EXPECT_EQ(own.ended, std::vector<std::string>{fails + " failed"});
}

TEST_F(Engines, a_fenced_node_is_told_to_end) {
  Node& own = begin(rare());
  wait_ms(1100);
  EXPECT_FALSE(own.fenced);
  sql("UPDATE node SET state = 'fenced'");
  wait_ms(1000);
  EXPECT_TRUE(own.fenced);
}

TEST_F(Engines, a_long_step_hears_of_its_cancel_at_the_next_beat) {
  lasts_until_stopped("first");
  Node& own = begin(rare());
  const std::string cancelled = put(), other = put();
  own.engine->poke("work");
  wait_ms(100);
  ASSERT_TRUE(request_cancel(database(), kinds_, cancelled));
  wait_ms(1100);
  EXPECT_EQ(state(cancelled) + " " + state(other), "cancelled running");
}

TEST_F(Engines, what_a_node_owns_without_knowing_it_goes_back_after_two_beats) {
  lasts("first", seconds{5});
  Node& own = begin(rare());
  const auto other = add_node("other", "up", 60'000'000);
  const std::string known = put(), foreign = put("elsewhere"), ended = put("elsewhere"), waiting = put("elsewhere");
  own.engine->poke("work");
  wait_ms(500);
  ASSERT_EQ(state(known), "running");
  set(foreign, fmt::format("state = 'running', epoch = 1, owner = {}", other));
  set(ended, fmt::format("state = 'failed', epoch = 1, owner = {}", own.engine->incarnation()));
  set(waiting, "state = 'waiting', epoch = 1");
  const std::string stray = put();
  set(stray, fmt::format("state = 'running', epoch = 2, owner = {}", own.engine->incarnation()));
  wait_ms(1000);
  EXPECT_EQ(state(stray), "running") << "a claim may be under way";
  EXPECT_EQ(operation(stray).epoch, 2);
  wait_ms(1000);
  EXPECT_EQ(operation(stray).epoch, 3) << "given back, and claimed at once";
  EXPECT_EQ(operation(stray).claimed_at.micros, operation(known).claimed_at.micros + 2'000'000 - operation(known).claimed_at.micros % 1'000'000);
  EXPECT_EQ(state(known) + state(foreign) + state(ended) + state(waiting), "runningrunningfailedwaiting");
  EXPECT_EQ(operation(known).epoch, 1);
  EXPECT_EQ(operation(foreign).owner, other);
  wait_ms(3000);
  EXPECT_EQ(state(known) + " " + state(stray), "succeeded running");
  EXPECT_EQ(operation(known).epoch, 1);
}

TEST_F(Engines, sweeps_come_a_fifth_sooner_or_later_than_told) {
  EngineOptions options = rare({.lease = seconds{60}, .beat = seconds{2}, .beacon_look = milliseconds{10}});
  options.membership.sweep = seconds{1};
  Node& own = begin(options);
  std::int64_t swept = now() - 1 + 4'000'000;  // every 0.8 s until now; from here on it judges, for it beat three times
  for (const auto& [says, period] : std::vector<std::pair<std::uint64_t, std::int64_t>>{{400'000, 1'200'000}, {400'001, 800'000}, {0, 800'000}}) {
    clock().sleep(Duration{swept - 1000 - now()});
    own.random.says = says;
    wait_ms(2);
    const auto dead = add_node("dead", "up", -1);
    const auto seen = [&] { return text(fmt::format("SELECT state FROM node WHERE inc = {}", dead)); };
    clock().sleep(Duration{period - 2000});
    EXPECT_EQ(seen(), "up") << says;
    own.random.says = 0;
    swept += period;
    wait_ms(2);
    EXPECT_EQ(seen(), "fenced") << says;
    swept += 800'000;
  }
}

TEST_F(Engines, what_comes_back_from_a_dead_node_is_claimed_at_once_and_told_to_all) {
  EngineOptions options = rare();
  options.membership.sweep = seconds{1};
  Node& own = begin(options);
  wait_ms(3000);
  const auto dead = add_node("dead", "up", -1);
  const std::string id = put();
  set(id, fmt::format("state = 'running', epoch = 1, owner = {}, deaths = 2", dead));
  const std::string at_once = put();
  set(at_once, fmt::format("state = 'running', epoch = 1, owner = {}", dead));
  wait_ms(1000);
  EXPECT_EQ(operation(at_once).state, State::succeeded);
  EXPECT_EQ(operation(id).state, State::ready);
  ASSERT_FALSE(own.database.poked.empty());
  EXPECT_EQ(own.database.poked[0], "");
}

TEST_F(Engines, a_dead_node_is_fenced_when_its_shortened_lease_ends_and_not_before) {
  Node& own = begin(rare({.lease = seconds{20}, .beat = milliseconds{500}, .beacon_look = milliseconds{200}}));
  own.database.says = db::Engine::postgres;
  wait_ms(1100);
  const std::int64_t looked = now() - 1 + 100'000;  // the looks are at 0, 200, 400 ms …
  const auto dead = add_node("dead", "up", 20'000'000), later = add_node("later", "up", 20'000'000);
  own.database.beacons.push_back(later);
  const std::string id = put();
  set(id, fmt::format("state = 'running', epoch = 1, owner = {}", dead));
  wait_ms(300);
  own.database.beacons.pop_back();
  clock().sleep(Duration{looked + 505'000 - now() - 1});
  EXPECT_EQ(text(fmt::format("SELECT state FROM node WHERE inc = {}", dead)), "up");
  settle();
  settle();
  EXPECT_EQ(text(fmt::format("SELECT state FROM node WHERE inc = {}", dead)), "fenced");
  EXPECT_EQ(state(id), "succeeded");
  EXPECT_EQ(text(fmt::format("SELECT state FROM node WHERE inc = {}", later)), "up");
  wait_ms(1000);
  EXPECT_EQ(text(fmt::format("SELECT state FROM node WHERE inc = {}", later)), "fenced");
}

TEST_F(Engines, who_finds_itself_suspected_beats_at_once) {
  Node& own = begin(rare({.lease = seconds{40}, .beat = seconds{10}, .beacon_look = milliseconds{200}}));
  own.database.says = db::Engine::postgres;
  wait_ms(1000);
  EXPECT_EQ(beats(own), 1);
  sql("UPDATE node SET lease_until = scoria_now() + 400000");
  wait_ms(200);
  EXPECT_EQ(beats(own), 2);
  wait_ms(1000);
  EXPECT_EQ(beats(own), 2);
}

}  // namespace
}  // namespace scoria::engine
