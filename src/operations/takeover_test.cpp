#include <atomic>
#include <utility>

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
    const db::Rows dead = tx.query("INSERT INTO node (host, roles, state, lease_until, started_at, release, schema_version) "
                                   "VALUES ('dead', 'all', 'up', scoria_now() + 20000000, scoria_now(), '0', 1) RETURNING inc");
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
