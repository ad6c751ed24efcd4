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

class Takeover : public db::testing::EveryEngine {};
INSTANTIATE_TEST_SUITE_P(On, Takeover, ::testing::Values(db::testing::Kind::postgres), db::testing::name_of);

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

}  // namespace
}  // namespace scoria
