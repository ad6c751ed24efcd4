#include "engine/ending.h"

#include "engine/claims.h"
#include "engine/testing.h"

namespace scoria::engine {
namespace {

class EndingOf : public testing::OnEveryEngine {
 protected:
  void finish_as(const std::string& id, const Ending& ending) {
    const Operation op = operation(id);
    database().write([&](db::Transaction& tx) { finish(tx, *played_, op, ending); });
  }
  /// Whether the guarded part commits, and under which label it does not.
  std::string guarded(const std::function<void(db::Transaction&)>& part) {
    try {
      database().write([&](db::Transaction& tx) { part(tx); });
      return "committed";
    } catch (const db::GuardFailed& failed) { return failed.label; }
  }
  std::string volume(const std::string& id) { return text("SELECT CAST(s_ops AS TEXT) || ' ' || CAST(rev AS TEXT) FROM volume WHERE id = '" + id + "'"); }
};
SCORIA_EVERY_ENGINE(EndingOf);

TEST_P(EndingOf, the_resource_is_settled_claims_are_given_back_and_those_who_waited_are_woken) {
  add_volume("v", "s_ops = 2, rev = 5");
  add_volume("w", "s_ops = 2, rev = 5");
  start({.id = "op", .resource_type = "volume", .resource_id = "x", .claims = {{"volume", "v", Mode::shared}, {"volume", "w", Mode::exclusive}}});
  start({.id = "other", .claims = {{"volume", "w", Mode::shared}}});
  for (const char* id : {"waiter", "readers", "elsewhere", "ready"}) start({.id = id, .waits_on = "op:op"});
  set("readers", "waits_on = 'readers:volume:v'");
  set("elsewhere", "waits_on = 'op:other'");
  set("ready", "state = 'failed'");
  finish_as("op", {State::failed, "code", "words"});
  EXPECT_EQ(end_of("op"), "failed|code|words");
  EXPECT_EQ(volume("v"), "1 6");
  EXPECT_EQ(volume("w"), "2 5") << "an exclusive claim stands in the row, which is the kind's to settle";
  EXPECT_EQ(text("SELECT op FROM op_res"), "other");
  EXPECT_EQ(number("SELECT count(*) FROM op_res"), 1);
  EXPECT_EQ(state("waiter") + " " + operation("waiter").waits_on, "ready ");
  EXPECT_EQ(state("readers") + " " + operation("readers").waits_on, "ready ");
  EXPECT_EQ(state("elsewhere") + " " + operation("elsewhere").waits_on, "waiting op:other");
  EXPECT_EQ(state("ready") + " " + operation("ready").waits_on, "failed op:op");
}

TEST_P(EndingOf, an_operation_without_claims_touches_nobodys) {
  start({.id = "op"});
  start({.id = "other", .claims = {{"volume", "w", Mode::shared}}});
  set("other", "state = 'waiting', waits_on = 'op:somebody'");
  finish_as("op", {State::succeeded, "", ""});
  EXPECT_EQ(number("SELECT count(*) FROM op_res"), 1);
  EXPECT_EQ(state("other"), "waiting");
  EXPECT_EQ(operation("other").open_children, 0);
}

TEST_P(EndingOf, the_whole_goes_on_when_its_last_part_has_ended) {
  for (const char* id : {"waits", "reads", "runs", "other"}) start({.id = id});
  for (const char* parent : {"waits", "reads", "runs"})
    for (const char* part : {"1", "2"}) start({.id = std::string(parent) + part, .parent = parent});
  set("waits", "state = 'waiting', waits_on = 'children'");
  set("reads", "state = 'waiting', waits_on = 'readers:volume:v'");
  set("other", "state = 'waiting', waits_on = 'children', open_children = 1");
  const auto seen = [&](const std::string& id) { return fmt::format("{} '{}' {}", state(id), operation(id).waits_on, operation(id).open_children); };
  for (const char* part : {"waits1", "reads1", "runs1"}) finish_as(part, {State::succeeded, "", ""});
  EXPECT_EQ(seen("waits"), "waiting 'children' 1");
  EXPECT_EQ(seen("reads"), "waiting 'readers:volume:v' 1");
  EXPECT_EQ(seen("runs"), "ready '' 1");
  set("runs", "state = 'running', waits_on = 'children'");
  for (const char* part : {"waits2", "reads2", "runs2"}) finish_as(part, {State::failed, "", ""});
  EXPECT_EQ(seen("waits"), "ready '' 0");
  EXPECT_EQ(seen("reads"), "waiting 'readers:volume:v' 0") << "it waits for somebody else";
  EXPECT_EQ(seen("runs"), "running '' 0");
  EXPECT_EQ(seen("other"), "waiting 'children' 1");
}

TEST_P(EndingOf, shared_claims_are_taken_of_what_is_readable_and_given_back_one_by_one) {
  add_volume("free", "rev = 5"), add_volume("shared", "s_ops = 3"), add_volume("lasting", "x_op = 'x', x_mode = 'L'"), add_volume("queued", "x_op = 'x', x_mode = 'L', next_op = 'y'");
  add_volume("exclusive", "x_op = 'x', x_mode = 'X'"), add_volume("error", "status = 'error'"), add_volume("beside", "rev = 9");
  const auto take = [&](const std::string& id) { return guarded([&](db::Transaction& tx) { take_shared(tx, "read", "volume", id, "'available', 'in-use'"); }); };
  EXPECT_EQ(take("free"), "committed");
  EXPECT_EQ(volume("free"), "1 6");
  EXPECT_EQ(take("shared"), "committed");
  EXPECT_EQ(volume("shared"), "4 1");
  EXPECT_EQ(take("lasting"), "committed");
  for (const char* id : {"queued", "exclusive", "error", "none"}) EXPECT_EQ(take(id), "read") << id;
  EXPECT_EQ(volume("beside"), "0 9");
  EXPECT_EQ(guarded([&](db::Transaction& tx) { give_shared_back(tx, {"volume", "shared", Mode::shared}); }), "committed");
  EXPECT_EQ(volume("shared"), "3 2");
  EXPECT_EQ(guarded([&](db::Transaction& tx) { give_shared_back(tx, {"volume", "none", Mode::shared}); }), "claim.shared");
}

TEST_P(EndingOf, the_last_reader_wakes_who_waits_for_readers_of_that_very_resource) {
  add_volume("v", "s_ops = 1");
  for (const char* id : {"waits", "other", "ended"}) start({.id = id, .waits_on = readers_of("volume", "v")});
  set("other", "waits_on = 'readers:volume:w'");
  set("ended", "state = 'cancelled'");
  database().write([&](db::Transaction& tx) { give_shared_back(tx, {"volume", "v", Mode::shared}); });
  EXPECT_EQ(state("waits") + " " + operation("waits").waits_on, "ready ");
  EXPECT_EQ(state("other"), "waiting");
  EXPECT_EQ(state("ended"), "cancelled");
}

TEST_P(EndingOf, nobody_waits_for_what_is_over) {
  add_volume("v", "x_op = 'op', x_mode = 'X', s_ops = 1"), add_volume("idle", "x_op = 'op', x_mode = 'X'"), add_volume("foreign", "x_op = 'other', x_mode = 'X', s_ops = 1");
  for (const char* id : {"op", "other", "parent", "ended", "waiting"}) start({.id = id});
  set("parent", "open_children = 1");
  set("ended", "state = 'dead'");
  set("waiting", "state = 'waiting'");
  const auto readers = [&](const std::string& id) { return guarded([&](db::Transaction& tx) { require_readers(tx, "volume", id, "op"); }); };
  EXPECT_EQ(readers("v"), "committed");
  EXPECT_EQ(volume("v"), "1 1");
  EXPECT_EQ(readers("idle"), "claim.readers");
  EXPECT_EQ(readers("foreign"), "claim.readers");
  const auto children = [&](const std::string& id) { return guarded([&](db::Transaction& tx) { require_children(tx, id); }); };
  EXPECT_EQ(children("parent"), "committed");
  EXPECT_EQ(children("op"), "claim.children");
  const auto live = [&](const std::string& id) { return guarded([&](db::Transaction& tx) { require_live(tx, id); }); };
  EXPECT_EQ(live("op"), "committed");
  EXPECT_EQ(live("waiting"), "committed");
  EXPECT_EQ(live("ended"), "claim.live");
  EXPECT_EQ(live("nobody"), "claim.live");
}

class Abandoned : public testing::OnEveryEngine {};
SCORIA_EVERY_ENGINE(Abandoned);

TEST_P(Abandoned, whatever_it_does_it_ends_with_the_reason_and_nobody_elses_does) {
  for (const char* id : {"ready", "running", "waiting", "beside"}) start({.id = id});
  set("running", "state = 'running', owner = 3, epoch = 4, step = 'second', phase = 'copying', reason = 'slow'");
  set("waiting", "state = 'waiting', waits_on = 'children'");
  set("beside", "state = 'running', owner = 3, epoch = 4, step = 'second'");
  for (const char* id : {"ready", "running", "waiting"}) {
    ASSERT_TRUE(abandon(database(), kinds_, id, "It was sold.")) << id;
    const Operation op = operation(id);
    EXPECT_EQ(fmt::format("{} {} {} '{}{}{}' {}", to_text(op.state), op.error_code, op.error_text, op.reason, op.phase, op.waits_on, op.owner), "failed abandoned It was sold. '' 0");
    EXPECT_TRUE(op.finished_at);
    EXPECT_EQ(end_of(id), "failed|abandoned|It was sold.");
  }
  EXPECT_EQ(operation("ready").epoch, 1);
  EXPECT_EQ(operation("running").epoch, 5);
  EXPECT_EQ(state("beside"), "running");
  EXPECT_EQ(operation("beside").epoch, 4);
}

TEST_P(Abandoned, what_is_not_there_not_known_or_over_is_refused) {
  start({.id = "ended"});
  start({.id = "newer"});
  set("ended", "state = 'succeeded'");
  set("newer", "ver = 2");
  EXPECT_EQ(abandon(database(), kinds_, "nobody", "why").error().code, RefusalCode::not_found);
  const auto ended = abandon(database(), kinds_, "ended", "why");
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, RefusalCode::conflict);
  EXPECT_NE(ended.error().message.find("already ended: succeeded"), std::string::npos);
  EXPECT_EQ(abandon(database(), kinds_, "newer", "why").error().code, RefusalCode::unsupported);
  EXPECT_EQ(state("newer"), "ready");
  EXPECT_EQ(state("ended"), "succeeded");
}

/// Each try finds that something has changed.
class Moving final : public testing::Played {
 public:
  Moving() : Played("test.moving") {}
  void settle(db::Transaction& tx, const Operation& op, const Ending& ending) const override {
    if (tries++ < moves) tx.guard("status", "UPDATE setting SET value = '' WHERE name = 'none'", {});
    Played::settle(tx, op, ending);
  }
  int moves = 0;
  mutable int tries = 0;
};

TEST_P(Abandoned, what_it_works_on_may_change_under_it_a_few_times) {
  auto own = std::make_unique<Moving>();
  Moving& moving = *own;
  kinds_.add(std::move(own));
  start({.id = "op", .kind = "test.moving"});
  moving.moves = 10;
  const auto refused = abandon(database(), kinds_, "op", "why");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::conflict);
  EXPECT_NE(refused.error().message.find("what it works on changes (status)"), std::string::npos) << refused.error().message;
  EXPECT_EQ(moving.tries, 5);
  EXPECT_EQ(state("op"), "ready");
  moving.moves = 9;
  EXPECT_TRUE(abandon(database(), kinds_, "op", "why"));
  EXPECT_EQ(state("op"), "failed");
}

}  // namespace
}  // namespace scoria::engine
