#pragma once
#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>

#include "commands/snapshots/create.h"
#include "commands/volumes/create.h"
#include "db/migrate.h"
#include "db/testing.h"
#include "domain/shapes.h"
#include "drivers/fake/fake.h"
#include "engine/engine.h"
#include "operations/services.h"
#include "store/attachments/attachments.h"
#include "store/migrations.h"
#include "store/pools/pools.h"
#include "store/quotas/quotas.h"
#include "store/snapshots/snapshots.h"
#include "store/types/types.h"
#include "store/volumes/volumes.h"

namespace scoria::operations::testing {

/// Exports in memory. Closed: every ensure() is to be tried again.
class FakeDoor final : public exports::Door {
 public:
  Result<std::string> choose(const exports::Connector&, std::string_view) const override { return std::string("fake"); }
  drivers::DriverResult<exports::Connection> ensure(const drivers::Call&, std::string_view, const exports::ExportSpec& spec) override {
    if (closed) return tl::unexpected(drivers::DriverError{drivers::FailureClass::transient, "the door is closed"});
    const std::lock_guard lock(mutex_);
    specs_[spec.name] = spec;
    return exports::Connection{"fake", {{"name", spec.name}}, {}, {}};
  }
  drivers::DriverResult<> remove(const drivers::Call&, const std::string& name) override {
    const std::lock_guard lock(mutex_);
    specs_.erase(name);
    return {};
  }
  drivers::DriverResult<bool> grow(const drivers::Call&, std::string_view, const exports::ExportSpec& spec) override {
    if (stiff) return tl::unexpected(drivers::DriverError{drivers::FailureClass::permanent, "it cannot grow"});
    const std::lock_guard lock(mutex_);
    const auto found = specs_.find(spec.name);
    if (found == specs_.end()) return false;
    found->second = spec;
    return true;
  }
  drivers::DriverResult<> throttle(const drivers::Call&, std::string_view, const std::string& name, const exports::Throttle& limits) override {
    const std::lock_guard lock(mutex_);
    const auto found = specs_.find(name);
    if (found == specs_.end()) return tl::unexpected(drivers::DriverError{drivers::FailureClass::permanent, "no such export"});
    found->second.throttle = limits;
    return {};
  }
  std::optional<exports::ExportSpec> spec(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = specs_.find(name);
    return found == specs_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return specs_.size();
  }

  std::atomic<bool> closed{false}, stiff{false};

 private:
  mutable std::mutex mutex_;
  std::map<std::string, exports::ExportSpec> specs_;  // guarded by mutex_
};

class PlainSealer final : public Sealer {
 public:
  std::string seal(std::string_view secret, std::string_view owner) override { return std::string(owner) + "|" + std::string(secret); }
  Result<std::string> open(std::string_view sealed, std::string_view owner) const override { return std::string(sealed.substr(owner.size() + 1)); }
};

/// One node on a real database with a storage array in memory.
class Node : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
    auto backend = std::make_unique<operations::Backend>();
    backend->name = backend->host = "one@fake";
    array_ = std::make_shared<drivers::fake::Array>(clock(), random_, drivers::fake::ArrayOptions{.pools = {{.name = "pool"}}});
    backend->driver = drivers::fake::make_fake_driver(array_, "one");
    backends_.add(std::move(backend));
    services_ = std::make_unique<operations::Services>(operations::Services{database(), clock(), random_, backends_, &door_, &sealer_});
    operations::register_all(kinds_, *services_);
    engine_ = std::make_unique<engine::Engine>(database(), clock(), random_, kinds_,
                                               engine::EngineOptions{.membership = {.host = "one", .roles = "all"}, .slots = 2, .bulk_slots = 1}, [] {});
    engine_->start();
    database().write([&](db::Transaction& tx) {
      store::pools::ensure_backend(tx, "one@fake", "", "nova");
      store::pools::ensure_service(tx, {.id = random_.uuid(), .host = "one@fake", .binary = "cinder-volume", .zone = "nova", .inc = engine_->incarnation()});
      store::pools::report(tx, {.backend = "one@fake", .name = "pool", .total_bytes = 100 * gib, .free_bytes = 100 * gib, .limit_bytes = 100 * gib,
                                .unit_bytes = mib, .minimum_bytes = mib, .json = "{}"});
      store::types::insert(tx, {.id = {"type"}, .name = "__DEFAULT__"});
    });
    engine_->serve("scheduler");
    engine_->serve("one@fake");
    commands_ = std::make_unique<commands::Services>(
        commands::Services{database(), random_, kinds_, {}, [this](const std::string& queue) { engine_->poke(queue); }, &sealer_, engine_.get(), &services_->scheduler});
    context_.project_id = "project", context_.user_id = "user", context_.request_id = "req-1";
  }

  /// Whatever a test did, what it left as JSON is of the shapes that its kinds say: read and written again it is the same.
  void expect_known_shapes() {
    const db::Rows rows = database().read([](db::Transaction& tx) { return tx.query("SELECT kind, input, ctx FROM operation"); });
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const engine::Kind::Shapes shapes = kinds_.find(rows.at(i, 0).text())->shapes();
      expect_shape(shapes.input, rows.at(i, 1).text()), expect_shape(shapes.context, rows.at(i, 2).text());
    }
    const db::Rows events = database().read([](db::Transaction& tx) { return tx.query("SELECT body FROM outbox"); });
    for (std::size_t i = 0; i < events.size(); ++i) expect_shape(ResourceEvent::shape, events.at(i, 0).text());
  }
  static void expect_shape(std::string_view name, const std::string& text) {
    if (text == "{}") return;
    bool known = false;
    each_stored_shape([&]<class Shape>() {
      if (Shape::shape != name) return;
      known = true;
      const auto read = Shape::from_json(text);
      ASSERT_TRUE(read) << text;
      EXPECT_EQ(read->to_json(), text);
    });
    EXPECT_TRUE(known) << "stored, but no kind says of which shape: " << text;
  }

  void TearDown() override {
    if (engine_) expect_known_shapes(), engine_->drain(std::chrono::seconds{5});
    EveryEngine::TearDown();
  }

  std::optional<Volume> volume(const VolumeId& id) {
    return database().read([&](db::Transaction& tx) { return store::volumes::find(tx, id); });
  }

  std::string status_after_work(const VolumeId& id) {
    for (int i = 0; i < 500; ++i) {
      const auto found = volume(id);
      if (!found) return "gone";
      if (found->x_op.empty()) return std::string(to_text(found->status));
      clock().sleep(std::chrono::milliseconds{10});
    }
    return "stuck";
  }

  std::string snapshot_after_work(const SnapshotId& id) {
    for (int i = 0; i < 500; ++i) {
      const auto found = database().read([&](db::Transaction& tx) { return store::snapshots::find(tx, id); });
      if (!found) return "gone";
      if (found->x_op.empty()) return std::string(to_text(found->status));
      clock().sleep(std::chrono::milliseconds{10});
    }
    return "stuck";
  }

  Volume available(std::int64_t size_gib) {
    const auto made = commands::create_volume(*commands_, context_, {.size_gib = size_gib});
    EXPECT_TRUE(made);
    EXPECT_EQ(status_after_work(made->id), "available");
    return *volume(made->id);
  }

  store::quotas::Usage usage() {
    return database().read([&](db::Transaction& tx) { return store::quotas::usage(tx, "project", ""); });
  }

  std::int64_t count(std::string_view sql) {
    return database().read([&](db::Transaction& tx) { return tx.query(sql).at(0, 0).integer(); });
  }

  std::optional<Snapshot> snapshot(const SnapshotId& id) {
    return database().read([&](db::Transaction& tx) { return store::snapshots::find(tx, id); });
  }

  Snapshot taken(const Volume& volume) {
    const auto made = commands::create_snapshot(*commands_, context_, volume, {});
    EXPECT_TRUE(made);
    EXPECT_EQ(snapshot_after_work(made->id), "available");
    return *snapshot(made->id);
  }

  /// Whether the operation is at `step`, tried and given back at least once.
  bool tried(const std::string& resource, const std::string& step) {
    for (int i = 0; i < 500; ++i) {
      if (count("SELECT count(*) FROM operation WHERE resource_id = '" + resource + "' AND step = '" + step + "' AND attempt > 0") > 0) return true;
      clock().sleep(std::chrono::milliseconds{10});
    }
    return false;
  }

  /// Nothing waits for its next try.
  void hurry() {
    database().write([](db::Transaction& tx) { tx.run("UPDATE operation SET run_at = scoria_now() WHERE state = 'ready'"); });
    for (const char* queue : {"scheduler", "one@fake", "one@fake!bulk"}) engine_->poke(queue);
  }

  /// What a deletion of everything must leave: nothing charged, promised, claimed or kept.
  void expect_nothing_left() {
    EXPECT_EQ(usage().volumes, 0);
    EXPECT_EQ(usage().snapshots, 0);
    EXPECT_EQ(usage().gigabytes, 0);
    EXPECT_EQ(count("SELECT allocated_bytes + volumes FROM pool"), 0);
    EXPECT_EQ(count("SELECT count(*) FROM op_res"), 0);
    EXPECT_EQ(count("SELECT count(*) FROM operation WHERE state IN ('ready', 'running', 'waiting')"), 0);
    EXPECT_EQ(count("SELECT count(*) FROM backend_object WHERE state NOT IN ('gone', 'doomed')"), 0);
    EXPECT_EQ(count("SELECT (SELECT count(*) FROM volume) + (SELECT count(*) FROM snapshot) + (SELECT count(*) FROM attachment)"), 0);
    EXPECT_EQ(door_.size(), 0u);
  }

  FakeDoor door_;
  PlainSealer sealer_;
  SystemRandom random_;
  std::shared_ptr<drivers::fake::Array> array_;
  operations::Backends backends_;
  engine::Kinds kinds_;
  std::unique_ptr<operations::Services> services_;
  std::unique_ptr<commands::Services> commands_;
  std::unique_ptr<engine::Engine> engine_;
  Context context_;
};

}  // namespace scoria::operations::testing

#define SCORIA_ON_NODE(fixture)                                                                                                       \
  INSTANTIATE_TEST_SUITE_P(On, fixture, ::testing::Values(::scoria::db::testing::Kind::sqlite_file, ::scoria::db::testing::Kind::postgres, ::scoria::db::testing::Kind::mariadb), \
                           ::scoria::db::testing::name_of)
