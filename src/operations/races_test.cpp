#include <array>
#include <atomic>

#include "base/failpoint.h"
#include "commands/snapshots/create.h"
#include "commands/snapshots/delete.h"
#include "commands/volumes/create.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/extend.h"
#include "db/migrate.h"
#include "db/testing.h"
#include "drivers/fake/fake.h"
#include "engine/engine.h"
#include "engine/operations.h"
#include "engine/start.h"
#include "operations/services.h"
#include "store/migrations.h"
#include "store/pools/pools.h"
#include "store/quotas/quotas.h"
#include "store/snapshots/snapshots.h"
#include "store/types/types.h"
#include "store/volumes/volumes.h"

/// The races that docs/explanation/races.md lists, on real databases with real threads.
namespace scoria {
namespace {

constexpr const char* backend_name = "one@fake";

/// One process start: an engine with a driver of its own to the array that all share.
struct Node {
  operations::Backends backends;
  std::unique_ptr<operations::Services> services;
  engine::Kinds kinds;
  std::unique_ptr<engine::Engine> engine;
};

/// Loses COMMITs: before they arrive, or their answer.
class LossyDatabase final : public db::Database {
 public:
  enum class Fate { normal, commit_lost, answer_lost };
  explicit LossyDatabase(db::Database& real) : real_(real) {}
  std::atomic<Fate> next = Fate::normal;

  db::Engine engine() const override { return real_.engine(); }
  db::Statistics statistics() const override { return real_.statistics(); }
  void run_transaction(const std::function<bool(db::Transaction&)>& work) override {
    const Fate fate = next.exchange(Fate::normal);
    if (fate == Fate::commit_lost) throw db::Error("the connection was lost before the COMMIT arrived", true);
    real_.run_transaction(work);
    if (fate == Fate::answer_lost) throw db::Error("the connection was lost after the COMMIT", true);
  }
  void run_read(const std::function<void(db::Transaction&)>& work) override { real_.run_read(work); }
  void poke(std::string_view queue) override { real_.poke(queue); }
  void on_poke(std::function<void(std::string_view)> listener) override { real_.on_poke(std::move(listener)); }
  void hold_beacon(std::int64_t incarnation) override { real_.hold_beacon(incarnation); }
  std::vector<std::int64_t> beacons_held(const std::vector<std::int64_t>& incarnations) override { return real_.beacons_held(incarnations); }

 private:
  db::Database& real_;
};

class Races : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
    database().write([&](db::Transaction& tx) {
      store::pools::ensure_backend(tx, backend_name, "", "nova");
      store::pools::report(tx, {.backend = backend_name, .name = "pool", .total_bytes = 1000 * gib, .free_bytes = 1000 * gib, .limit_bytes = 1000 * gib,
                                .unit_bytes = mib, .minimum_bytes = mib, .json = "{}"});
      store::types::insert(tx, {.id = {"type"}, .name = "__DEFAULT__"});
    });
    lossy_ = std::make_unique<LossyDatabase>(database());
    context_.project_id = "project", context_.user_id = "user", context_.request_id = "req-1";
  }

  void TearDown() override {
    failpoint::disarm_all();
    for (const auto& node : nodes_) node->engine->drain(std::chrono::seconds{5});
    EveryEngine::TearDown();
  }

  /// The first node. `copy_rate`: bytes per second of copies, 0: at once.
  void begin(std::int64_t copy_rate = 0) {
    array_ = std::make_shared<drivers::fake::Array>(
        clock(), random_, drivers::fake::ArrayOptions{.pools = {{.name = "pool", .total = from_gib(1000)}}, .copy_rate = copy_rate, .copy_chunk = {16 * mib}});
    start_node(false);
    commands_ = std::make_unique<commands::Services>(
        commands::Services{*lossy_, random_, nodes_.front()->kinds, {}, [this](const std::string& queue) { nodes_.back()->engine->poke(queue); }});
  }

  /// Another process begins. `alone`: the ones before it are dead for the database; what they still do they do as ghosts.
  void start_node(bool alone) {
    for (const auto& before : nodes_)
      for (const char* queue : {"scheduler", backend_name})
        if (alone) before->engine->stop_serving(queue);
    Node& node = *nodes_.emplace_back(std::make_unique<Node>());
    auto backend = std::make_unique<operations::Backend>();
    backend->name = backend_name, backend->host = fmt::format("node{}@fake", nodes_.size());
    backend->driver = drivers::fake::make_fake_driver(array_, backend->host);
    node.backends.add(std::move(backend));
    node.services = std::make_unique<operations::Services>(operations::Services{database(), clock(), random_, node.backends});
    operations::register_all(node.kinds, *node.services);
    const engine::EngineOptions options{.membership = {.host = fmt::format("node{}", nodes_.size()), .roles = "all", .exclusive = alone},
                                        .poll = std::chrono::milliseconds{100}, .slots = 4, .bulk_slots = 2};
    node.engine = std::make_unique<engine::Engine>(database(), clock(), random_, node.kinds, options, [] {});
    node.engine->start();
    database().write([&](db::Transaction& tx) {
      store::pools::ensure_service(tx, {.id = random_.uuid(), .host = backend_name, .binary = "cinder-volume", .zone = "nova", .inc = node.engine->incarnation()});
    });
    for (const char* queue : {"scheduler", backend_name}) node.engine->serve(queue);
  }

  /// Both at once, from threads of their own; who is first is left to chance.
  void together(const std::function<void()>& one, const std::function<void()>& other) {
    std::atomic<int> busy{2};
    for (const auto* work : {&one, &other})
      clock().spawn("client", [this, work, &busy] {
        clock().sleep(Duration{static_cast<std::int64_t>(random_.below(1500))});
        (*work)();
        --busy;
      });
    while (busy > 0) clock().sleep(Duration{200});
  }

  template <class Find>
  std::string after_work(const Find& find) {
    for (int i = 0; i < 1000; ++i) {
      const auto found = database().read(find);
      if (!found) return "gone";
      if (found->x_op.empty()) return std::string(to_text(found->status));
      clock().sleep(std::chrono::milliseconds{2});
    }
    return "stuck";
  }
  std::string status_after_work(const VolumeId& id) {
    return after_work([&](db::Transaction& tx) { return store::volumes::find(tx, id); });
  }
  std::string status_after_work(const SnapshotId& id) {
    return after_work([&](db::Transaction& tx) { return store::snapshots::find(tx, id); });
  }
  bool until(const std::function<bool()>& there) {
    for (int i = 0; i < 1500; ++i, clock().sleep(std::chrono::milliseconds{2}))
      if (there()) return true;
    return false;
  }

  std::optional<Volume> volume(const VolumeId& id) {
    return database().read([&](db::Transaction& tx) { return store::volumes::find(tx, id); });
  }
  Snapshot snapshot(const SnapshotId& id) {
    return *database().read([&](db::Transaction& tx) { return store::snapshots::find(tx, id); });
  }
  Volume available(const commands::CreateVolumeRequest& request) {
    const auto made = commands::create_volume(*commands_, context_, request);
    EXPECT_TRUE(made);
    EXPECT_EQ(status_after_work(made->id), "available");
    return *volume(made->id);
  }
  drivers::ObjectRef object_of(const Volume& volume) { return {"pool", volume.provider_name}; }
  /// Has somebody the first object of this volume open?
  bool being_copied(const VolumeId& id) {
    const auto found = array_->object({"pool", "volume-" + id.text});
    return found != nullptr && found->holder != 0;
  }
  std::int64_t count(std::string_view sql) {
    return database().read([&](db::Transaction& tx) { return tx.query(sql).at(0, 0).integer(); });
  }
  store::quotas::Usage usage() {
    return database().read([&](db::Transaction& tx) { return store::quotas::usage(tx, "project", ""); });
  }
  /// Nothing is held and nothing runs; quota and capacity are exactly what the rows take.
  void expect_settled() {
    EXPECT_TRUE(until([&] { return count("SELECT count(*) FROM operation WHERE state IN ('ready', 'running', 'waiting')") == 0; }));
    EXPECT_EQ(count("SELECT count(*) FROM op_res"), 0);
    EXPECT_EQ(count("SELECT count(*) FROM volume WHERE x_op IS NOT NULL OR s_ops <> 0"), 0);
    EXPECT_EQ(count("SELECT count(*) FROM snapshot WHERE x_op IS NOT NULL OR s_ops <> 0"), 0);
    EXPECT_EQ(usage().volumes, count("SELECT count(*) FROM volume"));
    EXPECT_EQ(usage().snapshots, count("SELECT count(*) FROM snapshot"));
    EXPECT_EQ(usage().gigabytes, count("SELECT COALESCE((SELECT SUM(size_gib) FROM volume), 0) + COALESCE((SELECT SUM(size_gib) FROM snapshot), 0)"));
    EXPECT_EQ(count("SELECT allocated_bytes FROM pool"), count("SELECT COALESCE(SUM(object_bytes), 0) FROM volume"));
    EXPECT_EQ(count("SELECT count(*) FROM backend_object WHERE state = 'published'"),
              count("SELECT (SELECT count(*) FROM volume WHERE provider_name IS NOT NULL) + (SELECT count(*) FROM snapshot WHERE provider_name IS NOT NULL)"));
  }

  SystemRandom random_;
  std::shared_ptr<drivers::fake::Array> array_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::unique_ptr<LossyDatabase> lossy_;
  std::unique_ptr<commands::Services> commands_;
  Context context_;
};
INSTANTIATE_TEST_SUITE_P(On, Races, ::testing::Values(db::testing::Kind::sqlite_file, db::testing::Kind::postgres, db::testing::Kind::mariadb), db::testing::name_of);

TEST_P(Races, a_snapshot_deleted_under_a_copy_waits_and_goes_when_the_copy_is_cancelled) {
  begin(gib);
  const Volume origin = available({.size_gib = 1});
  const auto taken = commands::create_snapshot(*commands_, context_, origin, {});
  ASSERT_TRUE(taken);
  ASSERT_EQ(status_after_work(taken->id), "available");
  const auto copy = commands::create_volume(*commands_, context_, {.snapshot_id = taken->id.text});
  ASSERT_TRUE(copy);
  ASSERT_TRUE(until([&] { return being_copied(copy->id); }));

  ASSERT_TRUE(commands::delete_snapshot(*commands_, context_, snapshot(taken->id), false));
  EXPECT_TRUE(until([&] { return count("SELECT count(*) FROM operation WHERE kind = 'snapshot.delete' AND state = 'waiting'") == 1; }));
  EXPECT_NE(array_->object({"pool", "snapshot-" + taken->id.text}), nullptr) << "it is still being read";

  ASSERT_TRUE(engine::request_cancel(database(), nodes_.front()->kinds, volume(copy->id)->x_op));
  EXPECT_EQ(status_after_work(copy->id), "gone");
  EXPECT_EQ(status_after_work(taken->id), "gone");
  expect_settled();
}

TEST_P(Races, a_snapshot_deleted_under_a_copy_waits_for_the_successor_of_a_dead_copier) {
  begin(2 * gib);
  const Volume origin = available({.size_gib = 1});
  ASSERT_TRUE(array_->write(object_of(origin), 3, 33, "host"));
  const auto taken = commands::create_snapshot(*commands_, context_, origin, {});
  ASSERT_TRUE(taken);
  ASSERT_EQ(status_after_work(taken->id), "available");
  const auto copy = commands::create_volume(*commands_, context_, {.snapshot_id = taken->id.text});
  ASSERT_TRUE(copy);
  ASSERT_TRUE(until([&] { return being_copied(copy->id); }));
  ASSERT_TRUE(commands::delete_snapshot(*commands_, context_, snapshot(taken->id), false));

  start_node(true);
  EXPECT_EQ(status_after_work(copy->id), "available");
  EXPECT_EQ(array_->read(object_of(*volume(copy->id)), 3), 33u);
  EXPECT_EQ(status_after_work(taken->id), "gone");
  EXPECT_GE(count("SELECT max(epoch) FROM operation WHERE kind = 'volume.create'"), 3);
  expect_settled();
}

TEST_P(Races, a_stopped_mover_that_goes_on_writes_nothing_over_a_user) {
  begin(4 * gib);
  const Volume origin = available({.size_gib = 1});
  ASSERT_TRUE(array_->write(object_of(origin), 0, 7, "host"));
  failpoint::arm("driver.fake.copy.chunk", "1*pause(1200)");
  const auto copy = commands::create_volume(*commands_, context_, {.source_volid = origin.id.text});
  ASSERT_TRUE(copy);
  ASSERT_TRUE(until([&] { return failpoint::hits("driver.fake.copy.chunk") == 1; })) << "the mover stands in its copy";

  start_node(true);
  EXPECT_EQ(status_after_work(copy->id), "available");
  const drivers::ObjectRef published = object_of(*volume(copy->id));
  EXPECT_EQ(published.name, "volume-" + copy->id.text + ".r2") << "not the object that the mover has open";
  EXPECT_EQ(array_->read(published, 0), 7u);
  ASSERT_TRUE(being_copied(copy->id)) << "it stands there still";
  ASSERT_TRUE(array_->write(published, 0, 99, "user"));

  EXPECT_TRUE(until([&] { return !being_copied(copy->id); })) << "the mover has gone on";
  EXPECT_EQ(array_->read(published, 0), 99u);
  EXPECT_EQ(volume(copy->id)->provider_name, published.name);
  EXPECT_EQ(count("SELECT count(*) FROM backend_object WHERE state = 'doomed'"), 1);
  expect_settled();
}

TEST_P(Races, either_the_delete_of_a_volume_or_a_new_snapshot_of_it) {
  begin();
  std::array<int, 3> ways{};
  for (int round = 0; round < 6; ++round) {
    const Volume made = available({.size_gib = 1});
    bool deleted = false;
    std::optional<SnapshotId> taken;
    together([&] { deleted = commands::delete_volume(*commands_, context_, made, {}).has_value(); },
             [&] {
               const auto result = commands::create_snapshot(*commands_, context_, made, {});
               if (result) taken = result->id;
             });
    EXPECT_FALSE(deleted && taken);
    ++ways[deleted ? 0 : taken ? 1 : 2];
    if (deleted) {
      EXPECT_EQ(status_after_work(made.id), "gone");
    }
    if (!taken) continue;
    EXPECT_EQ(status_after_work(*taken), "available");
    EXPECT_TRUE(commands::delete_snapshot(*commands_, context_, snapshot(*taken), false));
    EXPECT_EQ(status_after_work(*taken), "gone");
    EXPECT_TRUE(commands::delete_volume(*commands_, context_, *volume(made.id), {}));
    EXPECT_EQ(status_after_work(made.id), "gone");
  }
  EXPECT_EQ(ways[2], 0) << "somebody always wins";
  expect_settled();
}

TEST_P(Races, either_the_cancel_or_the_publish) {
  begin();
  for (int round = 0; round < 10; ++round) {
    const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
    ASSERT_TRUE(made);
    clock().sleep(Duration{static_cast<std::int64_t>(random_.below(8000))});
    const bool cancelled = engine::request_cancel(database(), nodes_.front()->kinds, made->x_op).has_value();
    EXPECT_EQ(status_after_work(made->id), cancelled ? "gone" : "available");
    if (cancelled) continue;
    EXPECT_TRUE(commands::delete_volume(*commands_, context_, *volume(made->id), {}));
    EXPECT_EQ(status_after_work(made->id), "gone");
  }
  expect_settled();
}

TEST_P(Races, an_extend_that_the_backend_refuses_gives_quota_and_capacity_back) {
  begin();
  const Volume made = available({.size_gib = 2});
  array_->script("extend", made.provider_name, drivers::fake::Fate::permanent);
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, made, 5, false));
  EXPECT_EQ(status_after_work(made.id), "error_extending");
  EXPECT_EQ(volume(made.id)->size_gib, 2);
  EXPECT_EQ(usage().gigabytes, 2);
  EXPECT_EQ(array_->object(object_of(made))->size, from_gib(2));
  expect_settled();
}

TEST_P(Races, a_lost_commit_is_repeated_and_never_doubled) {
  begin();
  using Fate = LossyDatabase::Fate;
  for (const Fate fate : {Fate::commit_lost, Fate::answer_lost}) {
    const auto lose = [&] { lossy_->next = fate; };
    const std::int64_t operations = count("SELECT count(*) FROM operation");
    lose();
    const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
    ASSERT_TRUE(made);
    EXPECT_EQ(status_after_work(made->id), "available");
    lose();
    const auto taken = commands::create_snapshot(*commands_, context_, *volume(made->id), {});
    ASSERT_TRUE(taken);
    EXPECT_EQ(status_after_work(taken->id), "available");
    lose();
    ASSERT_TRUE(commands::delete_snapshot(*commands_, context_, snapshot(taken->id), false));
    EXPECT_EQ(status_after_work(taken->id), "gone");
    lose();
    ASSERT_TRUE(commands::extend_volume(*commands_, context_, *volume(made->id), 3, false));
    EXPECT_EQ(status_after_work(made->id), "available");
    EXPECT_EQ(volume(made->id)->size_gib, 3);
    expect_settled();
    lose();
    ASSERT_TRUE(commands::delete_volume(*commands_, context_, *volume(made->id), {}));
    EXPECT_EQ(status_after_work(made->id), "gone");
    EXPECT_EQ(count("SELECT count(*) FROM operation") - operations, 5);
  }
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE state <> 'succeeded'"), 0);
  expect_settled();
}

}  // namespace
}  // namespace scoria
