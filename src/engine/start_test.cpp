#include "engine/start.h"

#include "engine/testing.h"
#include "engine/upgrade.h"

namespace scoria::engine {
namespace {

/// A node with slots, or without.
class Slots final : public Berths {
 public:
  std::optional<Berth> reserve(const std::string& operation, const std::string& queue) override {
    told.push_back("reserve " + operation + " " + queue);
    return berth;
  }
  void release(const std::string& operation, const std::string& queue) override { told.push_back("release " + operation + " " + queue); }
  void board(Operation operation, std::optional<Duration> time_limit) override {
    told.push_back(fmt::format("board {} {}", operation.id, time_limit ? time_limit->count() : 0));
    boarded = std::move(operation);
  }
  std::optional<Berth> berth;
  std::vector<std::string> told;
  Operation boarded;
};

class Starting : public testing::OnEveryEngine {
 protected:
  void SetUp() override {
    testing::OnEveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    sql("INSERT INTO backend (name, zone, gen, created_at) VALUES ('b', 'nova', 3, 1), ('other', 'nova', 4, 1)");
  }
  NewOperation wanted(const std::string& backend = {}) {
    return {.id = "op", .kind = "test.played", .queue = "q", .backend = backend, .project_id = "p", .user_id = "u", .request_id = "r", .resource_type = "volume", .resource_id = "v",
            .priority = Priority::release, .time_limit = std::chrono::seconds{90}, .input = R"({"i":1})", .context = R"({"c":1})", .claims =
            {{"volume", "v", Mode::exclusive}, {"volume", "w", Mode::exclusive}, {"snapshot", "v", Mode::lasting}, {"volume", "x", Mode::shared}}};
  }
  static std::string told(const Operation& op) {
    std::string out = fmt::format("{} {} v{} {} '{}' {} {} {} {} {} {} {} {} {} {} {} {}", op.id, op.kind, op.version, op.queue, op.backend, op.project_id, op.user_id, op.request_id, op.resource_type,
                                  op.resource_id, to_text(op.state), op.priority, op.step, op.input, op.context, op.owner, op.backend_generation);
    for (const Claim& claim : op.claims) out += fmt::format(" {}/{}/{}", claim.type, claim.id, static_cast<char>(claim.mode));
    return out;
  }
  static bool about(Timestamp a, Timestamp b) { return a - b < std::chrono::seconds{1} && b - a < std::chrono::seconds{1}; }
  Slots slots_;
};
SCORIA_EVERY_ENGINE(Starting);

TEST_P(Starting, an_operation_is_written_ready_at_its_first_step) {
  start(wanted("b"));
  const Operation op = operation("op");
  EXPECT_EQ(told(op), R"(op test.played v1 q 'b' p u r volume v ready 20 first {"i":1} {"c":1} 0 0 snapshot/v/L volume/w/X volume/x/S)");
  EXPECT_EQ(op.epoch, 0);
  EXPECT_TRUE(about(op.deadline, op.created_at + std::chrono::seconds{90}));
  EXPECT_TRUE(about(op.run_at, op.created_at));
  EXPECT_FALSE(op.claimed_at);
  start({.id = "late", .waits_on = "op:op", .first_step = "second"});
  EXPECT_EQ(state("late"), "waiting");
  EXPECT_EQ(operation("late").waits_on, "op:op");
  EXPECT_EQ(operation("late").step, "second");
  EXPECT_FALSE(operation("late").deadline);
}

TEST_P(Starting, with_a_slot_it_is_born_running_and_goes_there_after_the_commit) {
  for (const std::string backend : {"b", ""}) {
    slots_.berth = Berths::Berth{.owner = 7, .generation = 3};
    slots_.told.clear();
    std::vector<std::string> poked;
    {
      Launch launch(&slots_, "op", "q");
      start(wanted(backend), &launch);
      launch.committed([&](const std::string& queue) { poked.push_back(queue); });
    }
    const Operation op = operation("op");
    EXPECT_EQ(told(op), fmt::format(R"(op test.played v1 q '{}' p u r volume v running 20 first {{"i":1}} {{"c":1}} 7 {} snapshot/v/L volume/w/X volume/x/S)", backend, backend.empty() ? 0 : 3));
    EXPECT_EQ(op.epoch, 1);
    EXPECT_TRUE(about(op.claimed_at, op.created_at));
    EXPECT_TRUE(about(op.deadline, op.created_at + std::chrono::seconds{90}));
    EXPECT_EQ(slots_.told, (std::vector<std::string>{"reserve op q", "board op 90000000"}));
    EXPECT_TRUE(poked.empty());
    Operation boarded = slots_.boarded;
    EXPECT_EQ(boarded.epoch, 1);
    std::sort(boarded.claims.begin(), boarded.claims.end(), [](const Claim& a, const Claim& b) { return std::pair(a.type, a.id) < std::pair(b.type, b.id); });
    EXPECT_EQ(told(boarded), told(op)) << "as a claim would have read it";
    sql("DELETE FROM operation");
    sql("DELETE FROM op_res");
  }
}

TEST_P(Starting, what_starts_waiting_gives_its_slot_back) {
  slots_.berth = Berths::Berth{.owner = 7, .generation = 3};
  std::vector<std::string> poked;
  NewOperation late = wanted();
  late.waits_on = "op:other";
  Launch launch(&slots_, "op", "q");
  start(late, &launch);
  launch.committed([&](const std::string& queue) { poked.push_back(queue); });
  EXPECT_EQ(state("op"), "waiting");
  EXPECT_EQ(operation("op").owner, 0);
  EXPECT_EQ(slots_.told, (std::vector<std::string>{"reserve op q", "release op q"}));
  EXPECT_EQ(poked, std::vector<std::string>{"q"});
  EXPECT_FALSE(launch.berth());
}

TEST_P(Starting, without_a_slot_it_is_made_ready_and_its_queue_is_poked) {
  std::vector<std::string> poked;
  {
    Launch launch(&slots_, "op", "q"), none(nullptr, "op", "q"), unnamed(&slots_, "", "q");
    start(wanted("b"), &launch);
    launch.committed([&](const std::string& queue) { poked.push_back(queue); });
    EXPECT_FALSE(none.berth() || unnamed.berth());
  }
  EXPECT_EQ(state("op"), "ready");
  EXPECT_EQ(poked, std::vector<std::string>{"q"});
  EXPECT_EQ(slots_.told, std::vector<std::string>{"reserve op q"}) << "nothing was kept, so nothing is given back";
}

TEST_P(Starting, a_generation_the_node_does_not_know_is_refused_and_the_next_try_is_made_ready) {
  for (const std::int64_t known : {2, 4}) {
    slots_.berth = Berths::Berth{.owner = 7, .generation = known};
    Launch launch(&slots_, "op", "q");
    try {
      start(wanted("b"), &launch);
      ADD_FAILURE() << "started under generation " << known;
    } catch (const db::GuardFailed& failed) { EXPECT_EQ(failed.label, stale_generation); }
  }
  EXPECT_EQ(number("SELECT count(*) FROM operation"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM op_res"), 0);
  slots_.told.clear();
  slots_.berth = Berths::Berth{.owner = 7, .generation = 3};
  std::vector<std::string> poked;
  {
    Launch launch(&slots_, "op", "q");
    launch.written(Operation{}, std::nullopt);
    launch.release();
    EXPECT_FALSE(launch.berth());
    start(wanted("b"), &launch);
    launch.committed([&](const std::string& queue) { poked.push_back(queue); });
  }
  EXPECT_EQ(state("op"), "ready");
  EXPECT_EQ(slots_.told, (std::vector<std::string>{"reserve op q", "release op q"})) << "once";
  EXPECT_EQ(poked, std::vector<std::string>{"q"});
}

TEST_P(Starting, a_part_is_counted_where_the_whole_lives) {
  start({.id = "whole"});
  start({.id = "other"});
  start({.id = "part", .parent = "whole"});
  start({.id = "second", .parent = "whole"});
  EXPECT_EQ(operation("whole").open_children, 2);
  EXPECT_EQ(operation("other").open_children, 0);
  EXPECT_EQ(operation("part").parent, "whole");
  set("whole", "state = 'failed'");
  EXPECT_THROW(start({.id = "late", .parent = "whole"}), db::GuardFailed);
  EXPECT_THROW(start({.id = "lost", .parent = "nobody"}), db::GuardFailed);
  EXPECT_EQ(number("SELECT count(*) FROM operation"), 4);
}

TEST_P(Starting, it_is_started_in_the_version_that_is_pinned_if_this_build_runs_it) {
  played_->newest = 3, played_->oldest = 2;
  EXPECT_EQ(operation(start()).version, 3);
  kinds_.pins().set({{"kind:test.played", 2}});
  EXPECT_EQ(operation(start()).version, 2);
  kinds_.pins().set({{"kind:test.played", 1}});
  try {
    start();
    ADD_FAILURE() << "started in a version that this build does not run";
  } catch (const db::GuardFailed& failed) { EXPECT_EQ(failed.label, not_yet); }
}

class Cancelling : public testing::OnEveryEngine {
 protected:
  Result<> cancel(const std::string& id) { return request_cancel(database(), kinds_, id); }
  /// "running 1 0 …": state, cancel_req, whether it runs at once.
  std::string seen(const std::string& id) {
    const Operation op = operation(id);
    return fmt::format("{} {} {} '{}'", to_text(op.state), op.cancel_requested, op.run_at <= op.updated_at ? "now" : "later", op.waits_on);
  }
  void SetUp() override {
    testing::OnEveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    played_->no_return = "third";
  }
};
SCORIA_EVERY_ENGINE(Cancelling);

TEST_P(Cancelling, who_is_asked_and_its_parts_do_not_wait_any_longer) {
  for (const char* id : {"ready", "running", "waiting", "other"}) start({.id = id});
  start({.id = "part", .parent = "waiting"});
  start({.id = "done", .parent = "waiting"});
  start({.id = "busy", .parent = "waiting"});
  start({.id = "cousin", .parent = "other"});
  set("ready", "run_at = run_at + 60000000");
  set("running", "state = 'running', owner = 3, run_at = run_at + 60000000");
  set("waiting", "state = 'waiting', waits_on = 'children'");
  set("part", "state = 'waiting', waits_on = 'op:x', run_at = run_at + 60000000");
  set("done", "state = 'succeeded'");
  set("busy", "state = 'running'");
  set("other", "state = 'waiting', waits_on = 'children'");
  for (const char* id : {"ready", "running", "waiting"}) EXPECT_TRUE(cancel(id)) << id;
  EXPECT_EQ(seen("ready"), "ready true now ''");
  EXPECT_EQ(seen("running"), "running true now ''");
  EXPECT_EQ(seen("waiting"), "ready true now ''");
  EXPECT_EQ(seen("part"), "ready true now ''");
  EXPECT_EQ(seen("busy"), "running true now ''");
  EXPECT_EQ(seen("done"), "succeeded false now ''");
  EXPECT_EQ(seen("other"), "waiting false now 'children'");
  EXPECT_FALSE(operation("cousin").cancel_requested);
  EXPECT_EQ(operation("running").owner, 3);
  set("waiting", "step = 'third'");
  EXPECT_TRUE(cancel("waiting")) << "asked for once is asked for";
}

TEST_P(Cancelling, what_has_ended_or_passed_the_point_of_no_return_is_not_stopped) {
  start({.id = "past"});
  start({.id = "ended"});
  start({.id = "unknown"});
  set("past", "step = 'third'");
  set("ended", "state = 'succeeded'");
  set("unknown", "kind = 'test.unknown'");
  EXPECT_EQ(cancel("nobody").error().code, RefusalCode::not_found);
  for (const char* id : {"past", "ended", "unknown"}) {
    const auto refused = cancel(id);
    ASSERT_FALSE(refused) << id;
    EXPECT_EQ(refused.error().code, RefusalCode::conflict);
    EXPECT_FALSE(operation(id).cancel_requested) << id;
  }
  EXPECT_NE(cancel("past").error().message.find("at step 'third' and can no longer be cancelled"), std::string::npos);
  EXPECT_NE(cancel("unknown").error().message.find("can no longer be cancelled"), std::string::npos);
  EXPECT_NE(cancel("ended").error().message.find("has already ended: succeeded"), std::string::npos);
  const auto ask = [&](Operation op) { return database().write([&](db::Transaction& tx) { return request_cancel(tx, kinds_, op); }); };
  Operation known = operation("past");
  EXPECT_FALSE(ask(known));
  known.step = "second";
  EXPECT_FALSE(ask(known)) << "it has moved meanwhile";
  set("past", "step = 'second'");
  EXPECT_TRUE(ask(known));
  EXPECT_TRUE(operation("past").cancel_requested);
}

TEST_P(Cancelling, a_retry_that_waits_is_due_at_once_and_nothing_else_is) {
  for (const char* id : {"ready", "running", "other"}) start({.id = id});
  for (const char* id : {"ready", "running", "other"}) set(id, "run_at = run_at + 60000000, attempt = 5");
  set("running", "state = 'running'");
  ASSERT_TRUE(retry_now(database(), "ready"));
  EXPECT_EQ(seen("ready"), "ready false now ''");
  EXPECT_EQ(operation("ready").attempt, 0);
  EXPECT_EQ(seen("other"), "ready false later ''");
  for (const char* id : {"running", "nobody"}) EXPECT_EQ(retry_now(database(), id).error().code, RefusalCode::conflict) << id;
  EXPECT_EQ(seen("running"), "running false later ''");
}

}  // namespace
}  // namespace scoria::engine
