#include "reconcile/inventory.h"

#include "db/testing.h"
#include "drivers/fake/fake.h"
#include "reconcile/exports.h"
#include "reconcile/invariants.h"
#include "reconcile/reaper.h"
#include "reconcile/repairs.h"
#include "store/backends/names.h"
#include "store/findings/findings.h"
#include "store/migrations.h"

namespace scoria::reconcile {
namespace {

constexpr const char* volume_id = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
constexpr const char* dead_id = "dddddddd-dddd-4ddd-8ddd-dddddddddddd";
constexpr const char* stranger_id = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee";

/// What is exported, as told by a test.
class ListedDoor final : public exports::Door {
 public:
  Result<std::string> choose(const exports::Connector&, std::string_view) const override { return std::string("nbd"); }
  drivers::DriverResult<exports::Connection> ensure(const drivers::Call&, std::string_view, const exports::ExportSpec&) override { return exports::Connection{}; }
  drivers::DriverResult<> remove(const drivers::Call&, const std::string& name) override { return removed.push_back(name), drivers::DriverResult<>{}; }
  drivers::DriverResult<bool> grow(const drivers::Call&, std::string_view, const exports::ExportSpec&) override { return true; }
  drivers::DriverResult<std::vector<Listed>> list(const drivers::Call&) override { return listed; }
  std::vector<Listed> listed;
  std::vector<std::string> removed;
};

/// A volume that is there, published and charged, on an array in memory; pages of two names, so that each look turns pages.
class Inventories : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    db::testing::EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
    array_ = std::make_shared<drivers::fake::Array>(clock(), random_, drivers::fake::ArrayOptions{.pools = {{.name = "p"}, {.name = "q"}}});
    auto backend = std::make_unique<operations::Backend>();
    backend->name = backend->host = "b";
    backend->driver = drivers::fake::make_fake_driver(array_, "one");
    backends_.add(std::move(backend));
    services_ = std::make_unique<operations::Services>(operations::Services{database(), clock(), random_, backends_, &door_});
    run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'type', 1, '{}', 1)");
    run("INSERT INTO backend (name, zone, created_at) VALUES ('b', 'nova', 1)");
    run("INSERT INTO pool (backend, name, unit_bytes, minimum_bytes, report, reported_at) VALUES ('b', 'p', 1, 1, '{}', 1), ('b', 'q', 1, 1, '{}', 1)");
    add_volume(volume_id);
  }

  void run(const std::string& sql, const db::Values& values = {}) {
    database().write([&](db::Transaction& tx) { tx.run(sql, values); });
  }
  std::string text(const std::string& sql, const db::Values& values = {}) {
    const db::Rows rows = database().read([&](db::Transaction& tx) { return tx.query(sql, values); });
    if (rows.empty()) return "nothing";
    return rows.at(0, 0).is_text() ? rows.at(0, 0).text() : std::to_string(rows.at(0, 0).integer());
  }
  static std::string object_of(const std::string& id) { return "volume-" + id; }

  void make(const std::string& name, Bytes size = {gib}, const std::string& pool = "p") {
    drivers::Call call;
    call.deadline = Deadline::in(clock(), 5s);
    ASSERT_TRUE(driver().create(call, {pool, name}, size));
  }
  void lose(const std::string& name) {
    drivers::Call call;
    call.deadline = Deadline::in(clock(), 5s);
    ASSERT_TRUE(driver().remove(call, {"p", name}));
  }
  void add_volume(const std::string& id) {
    make(object_of(id));
    run("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, backend, pool, provider_name, object_bytes, "
        "metadata, image_metadata, charged_project, charged_type, charged_gib, created_at) "
        "VALUES (?, 'x', 'u', 1, 'available', 'detached', 't', 'nova', 'b', 'p', ?, ?, '{}', '{}', 'x', 't', 1, 1)",
        {id, object_of(id), gib});
    run("INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, op, epoch, state, size_bytes, created_at, changed_at) "
        "VALUES ('b', ?, 'p', 'volume', ?, 'o', 1, 'published', ?, 1, 1)",
        {object_of(id), id, gib});
    run("UPDATE pool SET allocated_bytes = allocated_bytes + ?, volumes = volumes + 1 WHERE name = 'p'", {gib});
  }
  void add_ended_operation(const std::string& resource) {
    run("INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, created_at, "
        "updated_at, finished_at) VALUES (?, 'volume.delete', 1, 'b', 'x', 'u', 'r', 'volume', ?, 'succeeded', 0, 1, 'destroy', '{}', '{}', 1, 1, 2)",
        {"op-" + resource, resource});
  }

  drivers::Driver& driver() { return *backends_.find("b")->driver; }
  /// One round over all pools, as if `grace` had passed since the one before.
  void round(Duration grace = Duration{std::chrono::hours{1}}) {
    Inventory inventory(*services_, {.period = std::chrono::hours{1}, .pause = Duration::zero(), .grace = grace, .page = 2});
    run("UPDATE chore SET due_at = 0");
    int pages = 0;
    while (inventory.turn(*backends_.find("b"))) ASSERT_LT(++pages, 100);
    ASSERT_GE(pages, 2);  // both pools
  }
  /// Twice: nothing is done about what was seen once.
  void two_rounds() { round(), run("UPDATE finding SET found_at = found_at - ?", {Duration{std::chrono::hours{2}}.count()}), round(); }
  std::vector<std::string> kinds() {
    std::vector<std::string> out;
    for (const auto& finding : database().read([](db::Transaction& tx) { return store::findings::list(tx, 100); })) out.push_back(finding.kind);
    return out;
  }
  using Kinds = std::vector<std::string>;

  SystemRandom random_;
  std::shared_ptr<drivers::fake::Array> array_;
  operations::Backends backends_;
  ListedDoor door_;
  std::unique_ptr<operations::Services> services_;
};
SCORIA_EVERY_ENGINE(Inventories);

TEST_P(Inventories, what_agrees_is_no_finding) {
  for (int i = 0; i < 5; ++i) add_volume("aaaaaaaa-aaaa-4aaa-8aaa-00000000000" + std::to_string(i));
  two_rounds();
  EXPECT_EQ(kinds(), Kinds{});
  EXPECT_EQ(text("SELECT count(*) FROM volume WHERE status = 'available'"), "6");
}

TEST_P(Inventories, an_orphan_whose_history_is_known_is_told_first_and_removed_later) {
  make(object_of(dead_id));
  add_ended_operation(dead_id);
  round();
  EXPECT_EQ(kinds(), Kinds{"object.orphan"});
  EXPECT_EQ(text("SELECT count(*) FROM backend_object WHERE owner_id = ?", {dead_id}), "0");
  two_rounds();
  EXPECT_EQ(text("SELECT state FROM backend_object WHERE owner_id = ?", {dead_id}), "doomed");
  EXPECT_EQ(Reaper(*services_).sweep(*backends_.find("b")), 1u);
  EXPECT_EQ(array_->names("p"), Kinds{object_of(volume_id)});
  round();
  EXPECT_EQ(kinds(), Kinds{});
}

TEST_P(Inventories, an_orphan_that_no_history_proves_dead_is_never_touched) {
  make(object_of(stranger_id)), make("volume-of-somebody-else");
  make("volume-bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb");
  add_ended_operation("bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb");
  run("INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, created_at, updated_at) "
      "VALUES ('live', 'volume.create', 1, 'b', 'x', 'u', 'r', 'volume', 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', 'ready', 0, 1, 'place', '{}', '{}', 1, 1)");
  two_rounds(), two_rounds();
  EXPECT_EQ(kinds().size(), 3u);
  EXPECT_EQ(text("SELECT count(*) FROM backend_object WHERE state = 'doomed'"), "0");
  EXPECT_EQ(array_->names("p").size(), 4u);
}

TEST_P(Inventories, what_comes_back_after_it_went_is_doomed_again_and_what_was_released_is_not) {
  make(object_of(dead_id)), make(object_of(stranger_id));
  run("INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, op, epoch, state, size_bytes, created_at, changed_at) VALUES "
      "('b', ?, 'p', 'volume', ?, 'o', 1, 'gone', 1, 1, 1), ('b', ?, 'p', 'volume', ?, 'o', 1, 'released', 1, 1, 1)",
      {object_of(dead_id), dead_id, object_of(stranger_id), stranger_id});
  round();
  EXPECT_EQ(text("SELECT state FROM backend_object WHERE owner_id = ?", {dead_id}), "doomed");
  EXPECT_EQ(text("SELECT state FROM backend_object WHERE owner_id = ?", {stranger_id}), "released");
}

TEST_P(Inventories, a_lost_object_is_told_first_and_its_volume_is_in_error_later) {
  lose(object_of(volume_id));
  round();
  EXPECT_EQ(kinds(), Kinds{"object.missing"});
  EXPECT_EQ(text("SELECT status FROM volume"), "available");
  two_rounds();
  EXPECT_EQ(text("SELECT status FROM volume"), "error");
  EXPECT_EQ(text("SELECT count(*) FROM message WHERE resource_id = ?", {volume_id}), "1");
  two_rounds();
  EXPECT_EQ(text("SELECT count(*) FROM message WHERE resource_id = ?", {volume_id}), "1");
  make(object_of(volume_id));
  round();
  EXPECT_EQ(kinds(), Kinds{});
}

TEST_P(Inventories, a_pool_that_is_away_gives_up_nobody) {
  for (int i = 0; i < 5; ++i) {
    const std::string id = "aaaaaaaa-aaaa-4aaa-8aaa-00000000000" + std::to_string(i);
    add_volume(id), lose(object_of(id));
  }
  Inventory inventory(*services_, {.pause = Duration::zero(), .grace = Duration::zero(), .page = 100});
  for (int i = 0; i < 4; ++i) run("UPDATE chore SET due_at = 0"), inventory.turn(*backends_.find("b"));
  EXPECT_EQ(kinds().size(), 5u);
  EXPECT_EQ(text("SELECT count(*) FROM volume WHERE status = 'error'"), "0");
}

TEST_P(Inventories, a_node_that_has_not_heard_of_a_backends_new_name_finds_nothing) {
  database().write([](db::Transaction& tx) { store::backends::rename(tx, "b", "c@b", true); });
  Inventory inventory(*services_, {.pause = Duration::zero(), .grace = Duration::zero(), .page = 100});
  inventory.turn(*backends_.find("b"));
  EXPECT_EQ(kinds(), Kinds{});
}

TEST_P(Inventories, a_volume_that_is_worked_on_is_left_alone) {
  lose(object_of(volume_id));
  run("UPDATE volume SET x_op = 'o', x_mode = 'X', status = 'deleting'");
  two_rounds();
  EXPECT_EQ(kinds(), Kinds{});
}

TEST_P(Inventories, a_stale_or_partial_listing_alone_decides_nothing) {
  for (int i = 0; i < 8; ++i) add_volume("aaaaaaaa-aaaa-4aaa-8aaa-00000000000" + std::to_string(i));
  array_->set_faults({.partial_list = 1000});
  for (int i = 0; i < 10; ++i) two_rounds();
  EXPECT_EQ(kinds(), Kinds{});
}

TEST_P(Inventories, a_size_that_grew_unseen_is_recorded_with_its_capacity) {
  drivers::Call call;
  call.deadline = Deadline::in(clock(), 5s);
  ASSERT_TRUE(dynamic_cast<drivers::Extends&>(driver()).extend(call, {"p", object_of(volume_id)}, {3 * gib}));
  round();
  EXPECT_EQ(kinds(), Kinds{"object.long"});
  two_rounds();
  EXPECT_EQ(text("SELECT object_bytes FROM volume"), std::to_string(3 * gib));
  EXPECT_EQ(text("SELECT allocated_bytes FROM pool WHERE name = 'p'"), std::to_string(3 * gib));
  round();
  EXPECT_EQ(kinds(), Kinds{});
}

TEST_P(Inventories, a_volume_that_became_too_short_is_told) {
  run("UPDATE volume SET object_bytes = object_bytes * 2");
  run("UPDATE backend_object SET size_bytes = size_bytes * 2");
  two_rounds();
  EXPECT_EQ(kinds(), Kinds{"object.short"});
  EXPECT_EQ(text("SELECT status FROM volume"), "available");
}

TEST_P(Inventories, promised_capacity_that_drifted_is_counted_again) {
  run("UPDATE pool SET allocated_bytes = 5, volumes = 9");
  round();
  EXPECT_EQ(text("SELECT allocated_bytes FROM pool WHERE name = 'p'"), std::to_string(gib));
  EXPECT_EQ(text("SELECT volumes FROM pool WHERE name = 'q'"), "0");
}

TEST_P(Inventories, an_attachment_nobody_works_on_for_a_day_is_told) {
  run("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, created_at) VALUES ('a', ?, 'x', 'u', 'attaching', 1), ('r', ?, 'x', 'u', 'reserved', 1)",
      {volume_id, volume_id});
  run("UPDATE volume SET attachments = 2");
  round();
  EXPECT_EQ(kinds(), Kinds{"attachment.stale"});
  run("UPDATE attachment SET updated_at = scoria_now()");
  round();
  EXPECT_EQ(kinds(), Kinds{});
}

TEST_P(Inventories, a_backend_is_looked_through_by_one_node_at_a_time) {
  Inventory one(*services_, {.period = std::chrono::hours{1}, .page = 100}), other(*services_, {.period = std::chrono::hours{1}, .page = 100});
  EXPECT_TRUE(one.turn(*backends_.find("b")));
  EXPECT_FALSE(other.turn(*backends_.find("b")));
}

TEST_P(Inventories, an_export_without_an_attachment_goes_if_its_removal_is_on_record) {
  run("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, created_at) VALUES ('here', ?, 'x', 'u', 'attached', 1)", {volume_id});
  run("INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, created_at, updated_at, "
      "finished_at) VALUES ('o2', 'attachment.remove', 1, 'b', 'x', 'u', 'r', 'attachment', 'removed', 'succeeded', 0, 1, 'unexport', '{}', '{}', 1, 1, 2)");
  door_.listed = {{"nbd", "here"}, {"nbd", "removed"}, {"iscsi", "unknown"}};
  check_exports(*services_, "host");
  EXPECT_EQ(door_.removed, Kinds{"removed"});
  EXPECT_EQ(kinds(), Kinds{"export.unknown"});
  door_.listed.clear();
  check_exports(*services_, "host");
  EXPECT_EQ(kinds(), Kinds{});
}

TEST_P(Inventories, repairs_put_every_sum_right_and_nothing_else) {
  run("INSERT INTO quota_usage (project_id, scope, volumes, gigabytes, snapshots) VALUES ('x', '', 7, 7, 7)");
  run("UPDATE volume SET snapshots = 3, attachments = 2, s_ops = 4");
  run("UPDATE pool SET allocated_bytes = 1");
  run("INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, op, epoch, state, size_bytes, created_at, changed_at) "
      "VALUES ('b', 'volume-x', 'p', 'volume', 'x', 'nobody', 1, 'intended', 1, 1, 1)");
  run("INSERT INTO lease_lock (name, holder, token, until) VALUES ('l', 'h', 1, 1)");
  EXPECT_FALSE(check_invariants(database()).empty());
  EXPECT_EQ(repair_all(database()).size(), 7u);  // quota of the project and of the type, one volume, two pools, an object, a lock
  for (const Violation& violation : check_invariants(database())) ADD_FAILURE() << violation.invariant << ": " << violation.text;
  EXPECT_EQ(repair_all(database()).size(), 0u);
  EXPECT_EQ(text("SELECT status FROM volume"), "available");
}

}  // namespace
}  // namespace scoria::reconcile
