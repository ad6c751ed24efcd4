#include "engine/runner.h"

#include "base/text.h"
#include "engine/claim.h"
#include "engine/testing.h"

namespace scoria::engine {
namespace {

class Running : public testing::InStillTime {
 protected:
  void SetUp() override {
    testing::InStillTime::SetUp();
    membership_.join();
    sql("INSERT INTO backend (name, zone, gen, created_at) VALUES ('b', 'nova', 3, 1), ('c', 'nova', 5, 1)");
    control_.serves = [this](const std::string&) { return serves_; };
    control_.takes_on = [this](const std::string&) { return takes_on_; };
    control_.handed_over = [this](const std::string& queue) { handed_ += queue + " "; };
    // What may be taken for the one that runs.
    start({.id = "beside", .backend = "b"});
    set("beside", fmt::format("state = 'running', epoch = 1, owner = {}", membership_.incarnation()));
    beside_ = whole_row("beside");
  }
  void TearDown() override { EXPECT_EQ(whole_row("beside"), beside_); }
  std::string whole_row(const std::string& id) {
    const Operation op = operation(id);
    return fmt::format("{} {} {} {} {} {} {} {} {} {} {}", to_text(op.state), op.epoch, op.owner, op.step, op.queue, op.backend, op.context, op.attempt, op.reason, op.run_at.micros, op.history);
  }
  /// Claims the one ready operation and runs it.
  Operation run() {
    const std::vector<std::string> queues = {"work", "work!bulk"};
    std::vector<Operation> claimed = claim(database(), clock(), kinds_, membership_.incarnation(), queues, 10);
    SCORIA_CHECK(claimed.size() == 1, "one operation is ready");
    return runner_.run(std::move(claimed[0]), control_);
  }
  Operation run(const std::string& id, const std::string& assignments) {
    start({.id = id, .backend = "b"});
    set(id, assignments);
    return run();
  }
  /// state, step, attempt, when it runs again in milliseconds, reason
  std::string seen(const std::string& id = "op") {
    const Operation op = operation(id);
    return fmt::format("{} {} {} {} {}", to_text(op.state), op.step, op.attempt, (op.run_at - clock().database_time()).count() / 1000, op.reason);
  }
  std::string ran() { return join(played_->ran, " "); }
  /// The step's next run does that, later ones nothing but their work.
  void once(const std::string& step, std::function<Outcome(Task&)> does) {
    played_->does[step] = [this, step, does = std::move(does), done = std::make_shared<bool>(false)](Task& task) {
      if (!std::exchange(*done, true)) return does(task);
      return step == played_->list.back() ? Outcome::succeed() : Outcome::advance(task.operation().context);
    };
  }

  testing::ToldRandom random_;
  Membership membership_{database_, clock_, {.host = "own", .roles = "all"}};
  Runner runner_{database_, clock_, random_, kinds_, membership_};
  Runner::Control control_;
  bool serves_ = true, takes_on_ = true;
  std::string handed_, beside_;
};

const Commit refused = [](db::Transaction& tx) { tx.guard("status", "UPDATE setting SET value = '' WHERE name = 'none'", {}); };

TEST_F(Running, step_after_step_to_its_end) {
  played_->does["first"] = [](Task& task) { return Outcome::advance("{\"at\":\"" + task.operation().step + "\"}", [](db::Transaction& tx) { tx.run("INSERT INTO setting (name, value) VALUES ('rode', 'along')"); }); };
  played_->does["third"] = [](Task&) { return Outcome::succeed([](db::Transaction& tx) { tx.run("UPDATE setting SET value = 'to the end' WHERE name = 'rode'"); }); };
  const double before = testing::measured(R"(scoria_operations_ended_total{kind="test.played",lane="backend",outcome="succeeded"})");
  const Instant begun = clock().now();
  const Operation after = run("op", "attempt = 3, deaths = 2, reason = 'late', phase = 'copy'");
  EXPECT_EQ(clock().now(), begun);
  EXPECT_EQ(ran(), "first second third");
  EXPECT_EQ(seen(), "succeeded third 0 0 ");
  const Operation op = operation("op");
  EXPECT_EQ(op.owner, 0);
  EXPECT_EQ(op.epoch, 1);
  EXPECT_EQ(op.context, R"({"at":"first"})");
  EXPECT_EQ(op.phase + op.error_code + op.error_text, "");
  EXPECT_EQ(op.deaths, 0);
  EXPECT_EQ(op.finished_at, clock().database_time());
  const std::int64_t now = clock().database_time().micros;
  EXPECT_EQ(op.history, fmt::format(R"({{"step":"first","epoch":1,"at":{0}}},{{"step":"second","epoch":1,"at":{0}}},{{"step":"third","epoch":1,"at":{0}}},)", now));
  EXPECT_EQ(end_of("op"), "succeeded||");
  EXPECT_EQ(text("SELECT value FROM setting WHERE name = 'rode'"), "to the end");
  EXPECT_EQ(fmt::format("{} {} {} {} {} {}", to_text(after.state), after.step, after.context, after.attempt, after.deaths, after.backend_generation), R"(succeeded third {"at":"first"} 0 0 3)");
  EXPECT_EQ(testing::measured(R"(scoria_operations_ended_total{kind="test.played",lane="backend",outcome="succeeded"})"), before + 1);
}

TEST_F(Running, a_step_that_fails_ends_it_with_code_and_words) {
  once("second", [](Task&) { return Outcome::fail("no_space", "It is full.", [](db::Transaction& tx) { tx.run("INSERT INTO setting (name, value) VALUES ('rode', 'along')"); }); });
  const Operation after = run("op", "reason = 'late'");
  EXPECT_EQ(seen(), "failed second 0 0 ");
  EXPECT_EQ(end_of("op"), "failed|no_space|It is full.");
  EXPECT_EQ(operation("op").error_code + operation("op").error_text, "no_spaceIt is full.");
  EXPECT_EQ(std::string(to_text(after.state)) + after.error_code + after.error_text, "failedno_spaceIt is full.");
  EXPECT_EQ(text("SELECT value FROM setting WHERE name = 'rode'"), "along");
}

TEST_F(Running, a_step_that_cannot_go_on_is_tried_again_later_and_later) {
  const std::string name = R"(scoria_operation_retries_total{kind="test.played"})";
  random_.says = 300'000;
  int attempt = 0;
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    played_->does["second"] = [](Task&) { return Outcome::retry("the array is away"); };
    const std::string id = "op" + std::to_string(attempt);
    const double before = testing::measured(name);
    start({.id = id, .first_step = "second"});
    set(id, fmt::format("attempt = {}, deaths = 3", attempt));
    run();
    EXPECT_EQ(seen(id), fmt::format("ready second {} {} the array is away", attempt + 1, wait * 500 + 300));
    EXPECT_EQ(operation(id).deaths, 0);
    EXPECT_EQ(operation(id).owner, 0);
    EXPECT_EQ(testing::measured(name), before + 1);
    set(id, "state = 'failed'");
    ++attempt;
  }
  random_.says = 150'000;
  played_->does["second"] = [](Task&) { return Outcome::retry("busy", false); };
  const double before = testing::measured(name);
  run("busy", "attempt = 3");
  EXPECT_EQ(seen("busy"), "ready second 0 350 busy") << "its first step was done, so it starts to count again";
  EXPECT_EQ(testing::measured(name), before);
  random_.says = 0;
  played_->does["second"] = [](Task&) -> Outcome { throw std::runtime_error("thrown"); };
  set("busy", "state = 'failed'");
  run("throws", "attempt = 3");
  EXPECT_EQ(seen("throws"), "ready second 1 500 thrown");
}

TEST_F(Running, at_its_time_limit_a_retry_is_the_end) {
  for (const Duration slow : {Duration{1'999'999}, Duration{2'000'000}}) {
    const std::string id = slow < std::chrono::seconds{2} ? "soon" : "late";
    played_->does["first"] = [&](Task& task) {
      task.clock().sleep(slow);
      return Outcome::retry("the array is away");
    };
    start({.id = id, .time_limit = std::chrono::seconds{2}});
    run();
    ASSERT_TRUE(membership_.beat());
    if (id == "soon") set(id, "run_at = run_at + 3600000000");
  }
  EXPECT_EQ(state("soon"), "ready");
  EXPECT_EQ(end_of("late"), "failed|timed_out|Gave up at its time limit. The last obstacle: the array is away");
}

TEST_F(Running, what_waits_holds_nothing) {
  once("first", [](Task&) {
    Outcome out = Outcome::wait("op:other", "waits for another", [](db::Transaction& tx) { tx.run("INSERT INTO setting (name, value) VALUES ('rode', 'along')"); });
    out.context = R"({"new":1})";
    return out;
  });
  run("op", "deaths = 3, attempt = 2");
  EXPECT_EQ(ran(), "first");
  const Operation op = operation("op");
  EXPECT_EQ(seen(), "waiting first 2 0 waits for another");
  EXPECT_EQ(fmt::format("{} {} {} {}", op.waits_on, op.owner, op.deaths, op.context), R"(op:other 0 0 {"new":1})");
  EXPECT_EQ(text("SELECT value FROM setting WHERE name = 'rode'"), "along");
  once("first", [](Task&) { return Outcome::wait("children", "waits for its parts"); });
  run("kept", R"(ctx = '{"old":1}')");
  EXPECT_EQ(operation("kept").waits_on + operation("kept").context, R"(children{"old":1})");
  once("first", [](Task&) { return Outcome::wait("readers:volume:v", "waits for readers", refused); });
  run("gone", "attempt = 2");
  EXPECT_EQ(seen("gone"), "ready first 2 0 waits for readers") << "what it would wait for is gone already";
  EXPECT_EQ(operation("gone").waits_on, "");
}

TEST_F(Running, what_changed_under_a_step_makes_it_run_again_a_little_later_each_time) {
  const std::string again = "what it works on changed under the step; it runs again";
  for (const auto& [attempt, after] : std::vector<std::pair<int, int>>{{0, 50}, {1, 100}, {3, 400}, {7, 6400}, {8, 6400}}) {
    once("first", [](Task&) { return Outcome::advance("{}", refused); });
    const std::string id = "advance" + std::to_string(attempt);
    run(id, fmt::format("attempt = {}", attempt));
    EXPECT_EQ(seen(id), fmt::format("ready first {} {} {}", attempt + 1, after, again));
    set(id, "state = 'failed'");
  }
  once("first", [](Task&) { return Outcome::succeed(refused); });
  run("succeed", "attempt = 1");
  EXPECT_EQ(seen("succeed"), "ready first 2 100 " + again);
  EXPECT_EQ(end_of("succeed"), "nothing");
  set("succeed", "state = 'failed'");
  once("first", [](Task&) { return Outcome::fail("code", "words", [](db::Transaction& tx) { tx.run("INSERT INTO backend (name, zone, created_at) VALUES ('b', 'nova', 1)"); }); });
  run("constraint", "attempt = 1");
  EXPECT_EQ(seen("constraint"), "ready first 2 100 " + again);
}

TEST_F(Running, before_the_point_of_no_return_a_cancel_wins) {
  played_->no_return = "third";
  const auto cancel = [this](Task& task) {
    set(task.operation().id, "cancel_req = 1");
    return Outcome::advance("{}");
  };
  once("first", cancel);
  const Operation after = run("early", "attempt = 0");
  EXPECT_EQ(after.state, State::cancelled);
  EXPECT_EQ(ran(), "first");
  EXPECT_EQ(seen("early"), "cancelled first 0 0 ");
  EXPECT_EQ(end_of("early"), "cancelled|cancelled|Cancelled on request.");
  once("third", [&](Task& task) { return cancel(task), Outcome::succeed(); });
  EXPECT_EQ(run("late", "attempt = 0").state, State::succeeded);
  played_->no_return = {};
  once("third", [&](Task& task) { return cancel(task), Outcome::succeed(); });
  EXPECT_EQ(run("last", "attempt = 0").state, State::cancelled);
  once("third", [&](Task& task) { return cancel(task), Outcome::fail("code", "words"); });
  EXPECT_EQ(run("failed", "attempt = 0").state, State::failed);
  played_->ran.clear();
  EXPECT_EQ(run("asked", "cancel_req = 1, deaths = 8").state, State::cancelled);
  EXPECT_EQ(ran(), "") << "it was asked before it was claimed";
  played_->no_return = "second";
  EXPECT_EQ(run("beyond", "cancel_req = 1, step = 'second'").state, State::succeeded);
}

TEST_F(Running, a_step_that_was_stopped_is_cancelled_or_given_back) {
  played_->no_return = "third";
  const auto stop_at = [&](const std::string& id, const std::string& step, const std::string& meanwhile) {
    once(step, [this, id, meanwhile](Task&) {
      set(id, meanwhile);
      return Outcome::stopped();
    });
    played_->ran.clear();
    run(id, "step = '" + step + "', attempt = 2");
    EXPECT_EQ(ran(), step) << "once";
    return seen(id);
  };
  EXPECT_EQ(stop_at("one", "second", "cancel_req = 1"), "cancelled second 2 0 ");
  EXPECT_EQ(stop_at("two", "second", "cancel_req = 0"), "ready second 2 0 its node stopped in the middle of the step");
  set("two", "state = 'failed'");
  EXPECT_EQ(stop_at("three", "third", "cancel_req = 1"), "ready third 2 0 its node stopped in the middle of the step");
}

TEST_F(Running, what_killed_its_process_too_often_is_dead) {
  EXPECT_EQ(run("seven", "deaths = 7").state, State::succeeded);
  played_->ran.clear();
  EXPECT_EQ(run("eight", "deaths = 8").state, State::dead);
  EXPECT_EQ(ran(), "");
  EXPECT_EQ(end_of("eight"), "dead|poison|The process that ran step 'first' died 8 times in a row; an operator has to look.");
}

TEST_F(Running, a_node_that_is_drained_gives_back_at_the_next_boundary) {
  once("second", [this](Task& task) {
    control_.drain = true;
    return Outcome::advance(task.operation().context);
  });
  run("op", "attempt = 2");
  EXPECT_EQ(ran(), "first second");
  EXPECT_EQ(seen(), "ready third 0 0 its node is being drained");
  set("op", "attempt = 2");
  run();
  EXPECT_EQ(ran(), "first second");
  EXPECT_EQ(seen(), "ready third 2 0 its node is being drained");
}

TEST_F(Running, no_step_starts_on_a_lease_that_may_have_run_out) {
  start({.id = "op"});
  clock().sleep(std::chrono::seconds{4});
  const Instant begun = clock().now();
  Instant step;
  once("first", [&](Task& task) {
    EXPECT_EQ(task.leash().at, membership_.leash().at);
    step = task.clock().now();
    return Outcome::advance("{}");
  });
  clock().spawn("beat", [this] {
    clock().sleep(std::chrono::milliseconds{120});
    EXPECT_TRUE(membership_.beat());
  });
  EXPECT_EQ(run().state, State::succeeded);
  EXPECT_EQ(step - begun, std::chrono::milliseconds{150});
  start({.id = "drained"});
  clock().sleep(std::chrono::seconds{4});
  played_->ran.clear();
  clock().spawn("drain", [this] {
    clock().sleep(std::chrono::milliseconds{120});
    control_.drain = true;
  });
  run();
  EXPECT_EQ(ran(), "");
  EXPECT_EQ(state("drained"), "ready");
}

TEST_F(Running, long_work_is_told_to_stop_for_each_of_three_reasons) {
  std::string told;
  once("first", [&](Task& task) {
    told += task.should_stop() ? "stop " : "go on ";
    control_.cancel = true;
    told += task.should_stop() ? "stop " : "go on ";
    control_.cancel = false, control_.drain = true;
    told += task.should_stop() ? "stop " : "go on ";
    control_.drain = false;
    clock().sleep(std::chrono::seconds{4});
    told += task.should_stop() ? "stop " : "go on ";
    EXPECT_TRUE(membership_.beat());
    return Outcome::advance("{}");
  });
  run("op", "attempt = 0");
  EXPECT_EQ(told, "go on stop stop stop ");
}

TEST_F(Running, a_checkpoint_is_kept_while_the_operation_is_ours_and_not_cancelled) {
  played_->no_return = "second";
  const auto kept = [&](Task& task, const std::string& context) { return task.checkpoint(context, {.phase = "copying", .done_bytes = 5, .total_bytes = 9}); };
  once("first", [&](Task& task) {
    EXPECT_TRUE(kept(task, "{\"at\":1}"));
    EXPECT_EQ(task.operation().context, "{\"at\":1}");
    const Operation op = operation("op");
    EXPECT_EQ(fmt::format("{} {} {} {} {} {}", op.context, op.phase, op.done_bytes, op.total_bytes, op.deaths, op.step), "{\"at\":1} copying 5 9 0 first");
    set("op", "cancel_req = 1");
    EXPECT_FALSE(kept(task, "{\"at\":2}"));
    EXPECT_EQ(task.operation().context, "{\"at\":1}");
    EXPECT_EQ(operation("op").context, "{\"at\":1}");
    set("op", "cancel_req = 0");
    return Outcome::advance(task.operation().context);
  });
  once("second", [&](Task& task) {
    set("op", "cancel_req = 1");
    EXPECT_TRUE(kept(task, "{\"at\":3}")) << "too late to cancel";
    set("op", "epoch = 9");
    EXPECT_FALSE(kept(task, "{\"at\":4}"));
    return Outcome::stopped();
  });
  run("op", "deaths = 3");
  EXPECT_EQ(operation("op").context, "{\"at\":3}");
}

TEST_F(Running, who_lost_an_operation_changes_nothing_of_it) {
  for (const char* meanwhile : {"epoch = 9", "owner = 99", "state = 'ready'", "state = 'waiting'", "step = 'third'", "epoch = 9, state = 'failed'"}) {
    for (const char* also : {"cancel_req = 0", "cancel_req = 1"}) {
      for (const auto& outcome : std::vector<std::function<Outcome()>>{[] { return Outcome::advance("{\"new\":1}"); }, [] { return Outcome::succeed(); }, [] { return Outcome::fail("a", "b"); },
                                                                      [] { return Outcome::retry("c"); }, [] { return Outcome::wait("children", "d"); }, [] { return Outcome::stopped(); }}) {
        if (std::string_view(meanwhile) == "step = 'third'" && std::string_view(also) == "cancel_req = 1") continue;  // nobody else moves a step under our epoch
        std::string then;
        once("first", [&](Task&) {
          set("op", fmt::format("{}, {}", meanwhile, also));
          then = whole_row("op");
          return outcome();
        });
        const Operation after = run("op", "attempt = 1");
        EXPECT_EQ(whole_row("op"), then) << meanwhile << ", " << also;
        EXPECT_EQ(end_of("op"), "nothing");
        EXPECT_EQ(after.state, State::running);
        EXPECT_EQ(handed_, "");
        sql("DELETE FROM operation WHERE id = 'op'");
      }
    }
  }
  once("first", [&](Task&) {
    sql("DELETE FROM operation WHERE id = 'op'");
    return Outcome::advance("{}");
  });
  EXPECT_EQ(run("op", "attempt = 1").state, State::running);
}

/// A database that fails: before the transaction, or after it, so that nobody knows.
class RunningWithout : public Running {
 protected:
  /// The commit of the step meets that many failures.
  std::function<Outcome(Task&)> failing(int times, bool after, std::function<Outcome()> outcome) {
    return [this, times, after, outcome = std::move(outcome)](Task&) {
      auto left = std::make_shared<int>(times);
      const auto fail = [left] {
        if ((*left)-- > 0) throw db::Error("gone", true);
      };
      (after ? database().after_write : database().before_write) = fail;
      return outcome();
    };
  }
};

TEST_F(RunningWithout, a_commit_that_did_not_arrive_is_sent_again_later_and_later) {
  once("first", failing(5, false, [] { return Outcome::advance("{\"new\":1}"); }));
  start({.id = "op"});
  const Instant begun = clock().now();
  EXPECT_EQ(run().state, State::succeeded);
  EXPECT_EQ(clock().now() - begun, Duration{62'500 + 125'000 + 250'000 + 250'000 + 250'000});
  EXPECT_EQ(operation("op").context, "{\"new\":1}");
  EXPECT_EQ(ran(), "first second third");
}

TEST_F(RunningWithout, a_commit_that_arrived_is_found_and_not_sent_again) {
  for (const char* step : {"first", "third"}) {
    once(step, failing(1, true, [&] { return step[0] == 'f' ? Outcome::advance("{}") : Outcome::succeed(); }));
    const std::string id = step;
    const Operation after = run(id, "attempt = 0");
    EXPECT_EQ(after.state, State::succeeded) << step;
    EXPECT_EQ(end_of(id), "succeeded||");
    const std::string history = operation(id).history;
    EXPECT_EQ(std::count(history.begin(), history.end(), '{'), 3) << history;
  }
  once("second", failing(1, true, [] { return Outcome::retry("busy"); }));
  run("retried", "attempt = 0");
  EXPECT_EQ(seen("retried").substr(0, 14), "ready second 1");
}

TEST_F(RunningWithout, a_step_that_goes_back_to_itself_is_sent_until_it_is_certain) {
  once("first", failing(1, false, [] { return Outcome::advance("{\"new\":1}").back_to("first"); }));
  EXPECT_EQ(run("op", "attempt = 0").state, State::succeeded);
  EXPECT_EQ(ran(), "first first second third");
  EXPECT_EQ(operation("op").context, "{\"new\":1}");
  const std::string history = operation("op").history;
  EXPECT_EQ(std::count(history.begin(), history.end(), '{'), 3) << history;
}

TEST_F(RunningWithout, a_cancel_that_came_while_the_database_was_away_is_seen) {
  once("first", [this](Task& task) {
    set("op", "cancel_req = 1");
    return failing(1, false, [] { return Outcome::wait("children", "waits"); })(task);
  });
  run("op", "attempt = 2");
  EXPECT_EQ(seen(), "ready first 2 0 waits");
  EXPECT_EQ(run().state, State::cancelled);
  once("first", [this](Task& task) {
    set("next", "cancel_req = 1");
    return failing(1, false, [] { return Outcome::succeed(); })(task);
  });
  EXPECT_EQ(run("next", "attempt = 0").state, State::cancelled);
}

TEST_F(RunningWithout, the_look_is_repeated_until_it_tells) {
  once("first", [this](Task& task) {
    auto left = std::make_shared<int>(4);
    database().before_read = [left] {
      if ((*left)-- > 0) throw db::Error("gone");
    };
    return failing(1, true, [] { return Outcome::advance("{}"); })(task);
  });
  start({.id = "op"});
  const Instant begun = clock().now();
  EXPECT_EQ(run().state, State::succeeded);
  EXPECT_EQ(clock().now() - begun, Duration{62'500 + 62'500 + 125'000 + 250'000 + 250'000});
}

class RunningOn : public Running {
 protected:
  /// The first step goes on to that queue and backend.
  Operation moved(const std::string& id, const std::string& queue, const std::string& backend, const std::string& from = "work") {
    handed_.clear();
    once("first", [=](Task&) { return Outcome::advance("{}").onto(queue, backend); });
    return run(id, "queue = '" + from + "'");
  }
  std::string where(const std::string& id) {
    const Operation op = operation(id);
    return fmt::format("{} {} {} '{}' {} {}", to_text(op.state), op.step, op.queue, op.backend, op.backend_generation, op.owner == membership_.incarnation() ? "ours" : op.owner == 0 ? "nobody's" : "?");
  }
};

TEST_F(RunningOn, another_backend_that_this_node_may_take_on_is_worked_on_under_its_generation) {
  std::string at;
  played_->does["second"] = [&](Task& task) {
    at = where(task.operation().id) + fmt::format(", {} {} {}", task.operation().queue, task.operation().backend, task.operation().backend_generation);
    serves_ = true;
    return Outcome::advance("{}");
  };
  serves_ = false;
  EXPECT_EQ(moved("op", "other", "c").state, State::succeeded);
  EXPECT_EQ(at, "running second other 'c' 5 ours, other c 5");
  EXPECT_EQ(handed_, "");
  EXPECT_EQ(operation("op").epoch, 1);
  serves_ = false;
  EXPECT_EQ(moved("none", "scheduler", "").state, State::succeeded);
  EXPECT_EQ(at, "running second scheduler '' 0 ours, scheduler  0");
}

TEST_F(RunningOn, what_another_node_has_to_take_on_is_handed_over) {
  takes_on_ = false;
  const Operation after = moved("op", "other", "c");
  EXPECT_EQ(after.state, State::running);
  EXPECT_EQ(where("op"), "ready second other 'c' 5 nobody's");
  EXPECT_EQ(handed_, "other ");
  EXPECT_EQ(ran(), "first");
  moved("bulk", "work!bulk", "b");
  EXPECT_EQ(where("bulk"), "ready second work!bulk 'b' 3 nobody's") << "bulk queues have slots of their own";
  EXPECT_EQ(handed_, "work!bulk ");
  set("bulk", "state = 'failed'");
  moved("same", "other", "b");
  EXPECT_EQ(where("same"), "succeeded third other 'b' 3 nobody's") << "the same backend: it only has to be served";
  serves_ = false;
  moved("served", "other", "b");
  EXPECT_EQ(where("served"), "ready second other 'b' 3 nobody's");
  takes_on_ = serves_ = true;
  moved("short", "other", "b", "work!bulk");
  EXPECT_EQ(where("short"), "ready second other 'b' 3 nobody's");
  moved("long", "other!bulk", "b", "work!bulk");
  EXPECT_EQ(where("long"), "succeeded third other!bulk 'b' 3 nobody's");
}

TEST_F(RunningOn, without_a_move_the_generation_stays_the_claimed_one) {
  once("first", [this](Task&) {
    sql("UPDATE backend SET gen = 9 WHERE name = 'b'");
    return Outcome::advance("{}");
  });
  EXPECT_EQ(run("op", "attempt = 0").backend_generation, 3);
  EXPECT_EQ(operation("op").backend_generation, 3);
  moved("nowhere", "other", "unknown");
  EXPECT_EQ(seen("nowhere"), "ready first 1 50 what it works on changed under the step; it runs again");
}

TEST_F(RunningOn, a_step_may_go_back) {
  once("second", [](Task&) { return Outcome::advance("{\"again\":1}").back_to("first"); });
  EXPECT_EQ(run("op", "attempt = 0").state, State::succeeded);
  EXPECT_EQ(ran(), "first second first second third");
  const std::string history = operation("op").history;
  EXPECT_EQ(std::count(history.begin(), history.end(), '{'), 5) << history;
}

}  // namespace
}  // namespace scoria::engine
