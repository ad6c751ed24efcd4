#include "engine/upgrade.h"

#include <atomic>

#include "commands/services.h"
#include "commands/try_once.h"
#include "db/migrate.h"
#include "db/testing.h"
#include "engine/claim.h"
#include "engine/ending.h"
#include "engine/engine.h"
#include "engine/operations.h"
#include "engine/start.h"
#include "store/migrations.h"

namespace scoria {
namespace {

using engine::Versions;

/// A kind of which version 2 takes a step more.
class Counting final : public engine::Kind {
 public:
  explicit Counting(int version) : version_(version) {}
  std::string_view name() const override { return "test.counting"; }
  int version() const override { return version_; }
  std::vector<std::string_view> steps() const override { return {"first", "added", "last"}; }
  bool has_step(std::size_t step, int version) const override { return step != 1 || version >= 2; }
  engine::Outcome run(std::size_t step, engine::Task&) const override { return step == 2 ? engine::Outcome::succeed() : engine::Outcome::advance("{}"); }
  void settle(db::Transaction&, const engine::Operation&, const engine::Ending&) const override {}

 private:
  int version_;
};

Versions release(int number) {
  return {.release = std::to_string(number), .schema_oldest = 1, .newest = {{"kind:test.counting", number}, {"schema", 20 + number}}};
}

class Upgrade : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
  }

  /// A start of that release: its incarnation, or why not.
  Result<std::int64_t> join(int number, Duration lease = std::chrono::seconds{20}) { return join(release(number), lease); }
  Result<std::int64_t> join(const Versions& versions, Duration lease = std::chrono::seconds{20}) {
    engine::Membership membership(database(), clock(), {.host = "h" + versions.release, .roles = "all", .versions = versions, .lease = lease});
    try {
      membership.join();
    } catch (const db::Error&) {
      throw;
    } catch (const std::runtime_error& refused) { return refuse(RefusalCode::conflict, "{}", refused.what()); }
    return membership.incarnation();
  }
  void set(std::int64_t incarnation, const std::string& assignments) {
    database().write([&](db::Transaction& tx) { tx.run("UPDATE node SET " + assignments + " WHERE inc = ?", {incarnation}); });
  }
  engine::Pinned pinned() {
    return database().read([](db::Transaction& tx) { return engine::pinned(tx); });
  }
  int pin() { return pinned().of("kind:test.counting"); }

  static std::unique_ptr<engine::Kinds> kinds(int version) {
    auto out = std::make_unique<engine::Kinds>();
    out->add(std::make_unique<Counting>(version));
    return out;
  }
  std::string start(const engine::Kinds& kinds) {
    const std::string id = random_.uuid();
    database().write([&](db::Transaction& tx) {
      engine::start(tx, kinds, {.id = id, .kind = "test.counting", .queue = "work", .project_id = "p", .user_id = "u", .request_id = "r", .resource_type = "none", .resource_id = "none"});
    });
    return id;
  }
  engine::Operation operation(const std::string& id) {
    return *database().read([&](db::Transaction& tx) { return engine::find_operation(tx, id); });
  }
  std::size_t claimed_by(const engine::Kinds& kinds, std::int64_t incarnation) {
    const std::vector<std::string> queues = {"work"};
    return engine::claim(database(), clock(), kinds, incarnation, queues, 10).size();
  }

  SystemRandom random_;
};
SCORIA_EVERY_ENGINE(Upgrade);

TEST_P(Upgrade, the_first_node_pins_what_it_can_write) {
  EXPECT_EQ(pin(), 0);
  ASSERT_TRUE(join(1));
  EXPECT_EQ(pin(), 1);
  EXPECT_EQ(pinned().release, "1");
}

TEST_P(Upgrade, newer_nodes_raise_no_pin_until_it_is_finalised) {
  const auto old = join(1);
  ASSERT_TRUE(join(2));
  EXPECT_EQ(pin(), 1);
  ASSERT_TRUE(join(1)) << "going back is possible";
  const auto refused = engine::finalize(database(), release(2));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("(h1, all, release 1) cannot read what release 2 writes"), std::string::npos) << refused.error().message;
  EXPECT_EQ(pin(), 1);
  database().write([](db::Transaction& tx) { tx.run("UPDATE node SET state = 'gone' WHERE release = '1' AND state = 'up'"); });
  ASSERT_TRUE(engine::finalize(database(), release(2)));
  EXPECT_EQ(pin(), 2);
  EXPECT_EQ(pinned().release, "2");
}

// Hole H18 of Cinder's: rows of services that are long gone pin its clouds for ever.
TEST_P(Upgrade, rows_of_dead_nodes_pin_nothing) {
  for (const char* dead : {"state = 'fenced', lease_until = scoria_now() - 60000000", "state = 'up', lease_until = scoria_now() - 60000000",
                           "state = 'draining', lease_until = 5", "state = 'gone'"})
    set(*join(1), dead);
  ASSERT_TRUE(join(2));
  const auto done = engine::finalize(database(), release(2));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(pin(), 2);
  const auto living = database().read([](db::Transaction& tx) { return tx.query("SELECT count(*) FROM node WHERE state IN ('up', 'draining')"); });
  EXPECT_EQ(living.at(0, 0).integer(), 1) << "nobody else sweeps when none of the old release lives";
}

TEST_P(Upgrade, a_node_that_was_cut_off_a_moment_ago_may_still_be_writing) {
  const auto cut = join(1);
  set(*cut, "state = 'fenced', lease_until = scoria_now() - 1000000");
  ASSERT_TRUE(join(2));
  const auto refused = engine::finalize(database(), release(2));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("may still be writing"), std::string::npos) << refused.error().message;
  set(*cut, "state = 'up'");  // not swept yet
  EXPECT_FALSE(engine::finalize(database(), release(2)));
  set(*cut, "lease_until = scoria_now() - 30000000");
  EXPECT_TRUE(engine::finalize(database(), release(2)));
}

TEST_P(Upgrade, an_old_release_is_not_let_in_once_a_newer_one_is_finalised) {
  ASSERT_TRUE(join(2));
  const auto refused = join(1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("finalised at release 2; release 1 of this program cannot read"), std::string::npos) << refused.error().message;
  EXPECT_NE(refused.error().message.find("test.counting version 2 (known: 1)"), std::string::npos) << refused.error().message;
  EXPECT_EQ(pin(), 2);
  EXPECT_TRUE(join(3));
}

TEST_P(Upgrade, a_release_that_relies_on_what_is_not_finalised_yet_is_not_let_in) {
  ASSERT_TRUE(join(1));
  Versions third = release(3);
  third.schema_oldest = 22;
  const auto refused = join(third);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("needs a deployment that was finalised at schema version 22 or later; this one is at 21"), std::string::npos);
  database().write([](db::Transaction& tx) {
    tx.run("UPDATE pin SET version = 22 WHERE name = 'schema'");
    tx.run("INSERT INTO schema_fills (version, part) VALUES (22, 0)");
  });
  EXPECT_NE(join(third).error().message.find("still converting"), std::string::npos);
  database().write([](db::Transaction& tx) { tx.run("UPDATE schema_fills SET finished_at = 1 WHERE version = 22"); });
  EXPECT_TRUE(join(third));
}

TEST_P(Upgrade, with_every_node_stopped_the_asking_program_counts) {
  set(*join(1), "state = 'gone'");
  ASSERT_TRUE(engine::finalize(database(), release(3)));
  EXPECT_EQ(pin(), 3);
  EXPECT_EQ(pinned().release, "3");
}

TEST_P(Upgrade, finalising_twice_changes_nothing_and_pins_never_go_down) {
  ASSERT_TRUE(join(2));
  ASSERT_TRUE(engine::finalize(database(), release(2)));
  const auto before = pinned();
  ASSERT_TRUE(engine::finalize(database(), release(2)));
  EXPECT_EQ(pinned().pins, before.pins);
  EXPECT_EQ(pinned().finalised_at, before.finalised_at);
  database().write([](db::Transaction& tx) { tx.run("UPDATE node SET state = 'gone' WHERE state = 'up'"); });
  EXPECT_FALSE(engine::finalize(database(), release(1)));
  EXPECT_EQ(pin(), 2);
}

TEST_P(Upgrade, who_joins_while_it_is_finalised_is_seen_or_sees_it) {
  ASSERT_TRUE(join(1));
  for (int round = 0; round < 10; ++round) {
    database().write([](db::Transaction& tx) {
      tx.run("UPDATE node SET state = 'gone' WHERE state = 'up'");
      tx.run("UPDATE pin SET version = CASE WHEN name = 'schema' THEN 21 ELSE 1 END");
      tx.run("UPDATE upgrade SET release = '1' WHERE id = 1");
    });
    ASSERT_TRUE(join(2));
    std::atomic<bool> joined{false}, finalised{false};
    {
      SystemClock threads;
      threads.spawn("join", [&] { joined = join(1).has_value(); });
      threads.spawn("finalize", [&] { finalised = engine::finalize(database(), release(2)).has_value(); });
    }
    EXPECT_NE(joined.load(), finalised.load()) << "an old node lives under new pins, or nobody got through";
  }
}

TEST_P(Upgrade, operations_are_started_in_the_pinned_version_and_take_its_steps) {
  auto newer = kinds(2);
  ASSERT_TRUE(join(1, std::chrono::seconds{1}));
  newer->pins().set(pinned().pins);
  const std::string before = start(*newer);
  EXPECT_EQ(operation(before).version, 1);
  newer->pins().set({{"kind:test.counting", 2}});
  const std::string after = start(*newer);
  EXPECT_EQ(operation(after).version, 2);

  engine::Engine engine(database(), clock(), random_, *newer, {.membership = {.host = "n", .roles = "all"}, .poll = std::chrono::milliseconds{20}, .slots = 2, .bulk_slots = 1}, [] {});
  engine.start();
  engine.serve("work");
  const Deadline deadline = Deadline::in(clock(), std::chrono::milliseconds{2500});
  while (!(engine::is_end(operation(before).state) && engine::is_end(operation(after).state)) && !deadline.passed(clock())) clock().sleep(std::chrono::milliseconds{10});
  engine.drain(std::chrono::seconds{5});
  EXPECT_EQ(operation(before).state, engine::State::succeeded);
  EXPECT_EQ(operation(before).history.find("\"added\""), std::string::npos);
  EXPECT_EQ(operation(after).state, engine::State::succeeded);
  EXPECT_NE(operation(after).history.find("\"added\""), std::string::npos);
}

TEST_P(Upgrade, an_operation_of_a_newer_version_waits_for_a_node_that_knows_it_and_says_so) {
  const auto older = kinds(1), newer = kinds(2);
  const auto old_node = join(1);
  const std::string id = start(*newer);
  EXPECT_EQ(claimed_by(*older, *old_node), 0u);
  engine::tell_unreadable(database());
  EXPECT_EQ(operation(id).reason, "waits for a node that knows version 2 of test.counting");
  EXPECT_EQ(operation(id).epoch, 0);
  EXPECT_EQ(engine::abandon(database(), *older, id, "why").error().code, RefusalCode::unsupported);
  const auto new_node = join(2);
  EXPECT_EQ(claimed_by(*newer, *new_node), 1u);
}

TEST_P(Upgrade, a_kind_that_is_not_pinned_is_refused_and_leaves_no_trace) {
  auto newer = kinds(1);
  newer->pins().set({{"schema", 21}});
  commands::Services services{database(), random_, *newer, {}, [](const std::string&) {}};
  const auto started = commands::transact_once<bool>(
      services,
      [&](db::Transaction& tx) -> Result<bool> {
        tx.run("INSERT INTO setting (name, value) VALUES ('trace', '')");
        engine::start(tx, *newer, {.id = "o", .kind = "test.counting", .queue = "work", .project_id = "p", .user_id = "u", .request_id = "r", .resource_type = "none", .resource_id = "none"});
        return true;
      },
      [](std::string_view) { return Refusal{}; }, [](db::Transaction&) -> std::optional<bool> { return std::nullopt; });
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, RefusalCode::conflict);
  EXPECT_NE(started.error().message.find("once the upgrade is finalised"), std::string::npos);
  const auto tried = commands::try_once(services, [&](db::Transaction& tx) -> Result<bool> {
    engine::start(tx, *newer, {.id = "o", .kind = "test.counting", .queue = "work", .project_id = "p", .user_id = "u", .request_id = "r", .resource_type = "none", .resource_id = "none"});
    return true;
  });
  ASSERT_TRUE(tried && !*tried) << "a refusal, not another try";
  EXPECT_TRUE(database().read([](db::Transaction& tx) { return tx.query("SELECT 1 FROM setting WHERE name = 'trace'").empty(); }));
}

}  // namespace
}  // namespace scoria
