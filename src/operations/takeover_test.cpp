#include <atomic>
#include <utility>

#include "base/failpoint.h"
#include "db/migrate.h"
#include "db/testing.h"
#include "engine/engine.h"
#include "engine/operations.h"
#include "engine/start.h"
#include "store/migrations.h"

namespace scoria {
namespace {

class Nothing final : public engine::Kind {
 public:
  std::string_view name() const override { return "test.nothing"; }
  std::vector<std::string_view> steps() const override { return {"only"}; }
  engine::Outcome run(std::size_t, engine::Task&) const override { return engine::Outcome::succeed(); }
  void settle(db::Transaction&, const engine::Operation&, const engine::Ending&) const override {}
};

/// Says once that it cannot go on now, then goes on.
class Retried final : public engine::Kind {
 public:
  std::string_view name() const override { return "test.retried"; }
  std::vector<std::string_view> steps() const override { return {"only"}; }
  engine::Outcome run(std::size_t, engine::Task&) const override { return tried_.exchange(true) ? engine::Outcome::succeed() : engine::Outcome::retry("busy", false); }
  void settle(db::Transaction&, const engine::Operation&, const engine::Ending&) const override {}

 private:
  mutable std::atomic<bool> tried_{false};
};

class Takeover : public db::testing::EveryEngine {};
INSTANTIATE_TEST_SUITE_P(On, Takeover, ::testing::Values(db::testing::Kind::postgres, db::testing::Kind::mariadb), db::testing::name_of);

// Regular sweeps and polls are far away here: only the beacon's absence can bring the operation back in time.
TEST_P(Takeover, a_node_without_its_beacon_loses_its_work_when_the_shortened_lease_ends) {
  db::migrate(database(), store::migrations());
  SystemRandom random;
  engine::Kinds kinds;
  kinds.add(std::make_unique<Nothing>());
  const std::string id = random.uuid();
  database().write([&](db::Transaction& tx) {
    const db::Rows dead = tx.query("INSERT INTO node (host, roles, state, hb_seq, lease_until, started_at, release, schema_version) "
                                   "VALUES ('dead', 'all', 'up', 1, scoria_now() + 20000000, scoria_now(), '0', 1) RETURNING inc");
    engine::start(tx, kinds, {.id = id, .kind = "test.nothing", .queue = "work", .project_id = "p", .user_id = "u", .request_id = "r", .resource_type = "none",
                              .resource_id = "none"});
    tx.run("UPDATE operation SET state = 'running', epoch = 1, owner = ? WHERE id = ?", {dead.at(0, 0).integer(), id});
  });
  engine::Engine engine(database(), clock(), random, kinds,
                        {.membership = {.host = "alive", .roles = "all", .lease = std::chrono::seconds{20}, .beat = std::chrono::milliseconds{50},
                                        .sweep = std::chrono::seconds{20}, .beacon_look = std::chrono::milliseconds{50},
                                        .suspect_lease = std::chrono::milliseconds{300}},
                         .poll = std::chrono::seconds{20}, .slots = 1, .bulk_slots = 1},
                        [] {});
  engine.start();
  engine.serve("work");
  const Deadline deadline = Deadline::in(clock(), std::chrono::milliseconds{2500});
  const auto state = [&] { return database().read([&](db::Transaction& tx) { return engine::find_operation(tx, id); })->state; };
  while (state() != engine::State::succeeded && !deadline.passed(clock())) clock().sleep(std::chrono::milliseconds{20});
  EXPECT_EQ(state(), engine::State::succeeded);
  engine.drain(std::chrono::seconds{5});
}

// Its next regular beat is far away; a node that has not beaten yet is on its way to its beacon.
TEST_P(Takeover, a_suspected_node_that_lives_beats_at_once_and_a_starting_one_is_not_suspected) {
  db::migrate(database(), store::migrations());
  SystemRandom random;
  engine::Kinds kinds;
  database().write([&](db::Transaction& tx) {
    tx.run("INSERT INTO node (host, roles, state, lease_until, started_at, release, schema_version) VALUES ('starting', 'all', 'up', scoria_now() + 20000000, scoria_now(), '0', 1)");
  });
  engine::Engine engine(database(), clock(), random, kinds,
                        {.membership = {.host = "alive", .roles = "all", .lease = std::chrono::seconds{20}, .beat = std::chrono::seconds{9},
                                        .beacon_look = std::chrono::milliseconds{50}, .suspect_lease = std::chrono::seconds{1}}},
                        [] {});
  engine.start();
  const auto row = [&](const char* host) {
    const db::Rows rows = database().read([&](db::Transaction& tx) { return tx.query("SELECT hb_seq, lease_until - scoria_now() FROM node WHERE host = ?", {host}); });
    return std::pair(rows.at(0, 0).integer(), rows.at(0, 1).integer());
  };
  for (int i = 0; i < 4; ++i) {  // then it has beaten often enough to judge others
    database().write([&](db::Transaction& tx) { tx.run("UPDATE node SET lease_until = scoria_now() + 900000 WHERE host = 'alive'"); });
    const std::int64_t beats = row("alive").first;
    const Deadline deadline = Deadline::in(clock(), std::chrono::milliseconds{800});
    while (row("alive").second < 10'000'000 && !deadline.passed(clock())) clock().sleep(std::chrono::milliseconds{5});
    EXPECT_GT(row("alive").second, 10'000'000);
    EXPECT_GT(row("alive").first, beats);
  }
  clock().sleep(std::chrono::milliseconds{200});
  EXPECT_GT(row("starting").second, 10'000'000);
  engine.drain(std::chrono::seconds{5});
}

TEST_P(Takeover, a_database_that_is_gone_is_not_asked_without_a_pause_for_a_suspected_node) {
  db::migrate(database(), store::migrations());
  SystemRandom random;
  engine::Kinds kinds;
  database().write([](db::Transaction& tx) {
    tx.run("INSERT INTO node (host, roles, state, hb_seq, lease_until, started_at, release, schema_version) VALUES ('dead', 'all', 'up', 1, scoria_now() + 20000000, scoria_now(), '0', 1)");
  });
  engine::Engine engine(database(), clock(), random, kinds,
                        {.membership = {.host = "alive", .roles = "all", .lease = std::chrono::seconds{20}, .beat = std::chrono::milliseconds{50},
                                        .sweep = std::chrono::seconds{20}, .beacon_look = std::chrono::milliseconds{50},
                                        .suspect_lease = std::chrono::milliseconds{200}}},
                        [] {});
  engine.start();
  const auto suspected = [&] {
    return !database().read([](db::Transaction& tx) { return tx.query("SELECT 1 FROM node WHERE host = 'dead' AND lease_until < scoria_now() + 1000000"); }).empty();
  };
  const Deadline deadline = Deadline::in(clock(), std::chrono::milliseconds{2000});
  while (!suspected() && !deadline.passed(clock())) clock().sleep(std::chrono::milliseconds{5});
  ASSERT_TRUE(suspected());
  failpoint::arm("engine.beacons.look", "return(the database is gone)");
  clock().sleep(std::chrono::milliseconds{600});  // the lease of the suspected one ends meanwhile
  EXPECT_LT(failpoint::hits("engine.beacons.look"), 30u);
  failpoint::arm("engine.beacons.look", "off");
  engine.drain(std::chrono::seconds{5});
}

/// What becomes of an operation whose owners have died so often, in a fresh database.
engine::State ended_after_deaths(db::Database& database, Clock& clock, std::unique_ptr<engine::Kind> kind, int deaths, int more_deaths) {
  db::migrate(database, store::migrations());
  SystemRandom random;
  engine::Kinds kinds;
  const std::string name(kind->name()), id = random.uuid();
  kinds.add(std::move(kind));
  database.write([&](db::Transaction& tx) {
    engine::start(tx, kinds, {.id = id, .kind = name, .queue = "work", .project_id = "p", .user_id = "u", .request_id = "r", .resource_type = "none", .resource_id = "none"});
    tx.run("UPDATE operation SET deaths = ? WHERE id = ?", {deaths, id});
  });
  engine::Engine engine(database, clock, random, kinds, {.membership = {.host = "one", .roles = "all"}, .poll = std::chrono::milliseconds{20}, .slots = 1, .bulk_slots = 1}, [] {});
  engine.start();
  engine.serve("work");
  const auto look = [&] { return *database.read([&](db::Transaction& tx) { return engine::find_operation(tx, id); }); };
  const Deadline deadline = Deadline::in(clock, std::chrono::seconds{2});
  while (!engine::is_end(look().state) && !deadline.passed(clock)) {
    if (more_deaths > 0 && look().state == engine::State::ready && !look().reason.empty())
      database.write([&](db::Transaction& tx) { tx.run("UPDATE operation SET deaths = deaths + ? WHERE id = ? AND state = 'ready'", {std::exchange(more_deaths, 0), id}); });
    clock.sleep(std::chrono::milliseconds{5});
  }
  engine.drain(std::chrono::seconds{5});
  return look().state;
}

class ClockJump : public db::testing::EveryEngine {};
SCORIA_EVERY_ENGINE(ClockJump);

TEST_P(ClockJump, a_node_whose_lease_ran_out_does_not_fence_itself) {
  db::migrate(database(), store::migrations());
  SystemRandom random;
  engine::Kinds kinds;
  std::atomic<bool> fenced{false};
  engine::Engine engine(database(), clock(), random, kinds,
                        {.membership = {.host = "one", .roles = "all", .beat = std::chrono::milliseconds{50}, .sweep = std::chrono::milliseconds{5},
                                        .beacon_look = std::chrono::milliseconds{5}}},
                        [&] { fenced = true; });
  engine.start();
  for (int i = 0; i < 20; ++i) {  // at any time between two beats
    clock().sleep(std::chrono::milliseconds{23});
    database().write([&](db::Transaction& tx) { tx.run("UPDATE node SET lease_until = scoria_now() - 60000000"); });
  }
  clock().sleep(std::chrono::milliseconds{100});
  EXPECT_FALSE(fenced);
  engine.drain(std::chrono::seconds{5});
}

class Poison : public db::testing::EveryEngine {};
SCORIA_EVERY_ENGINE(Poison);

TEST_P(Poison, what_kills_its_process_again_and_again_is_put_aside) {
  EXPECT_EQ(ended_after_deaths(database(), clock(), std::make_unique<Nothing>(), 8, 0), engine::State::dead);
}

TEST_P(Poison, deaths_before_a_sign_of_life_do_not_count) {
  EXPECT_EQ(ended_after_deaths(database(), clock(), std::make_unique<Retried>(), 7, 7), engine::State::succeeded);
}

}  // namespace
}  // namespace scoria
