#include "store/backends/names.h"

#include "db/migrate.h"
#include "db/testing.h"
#include "store/migrations.h"
#include "store/pools/pools.h"

namespace scoria::store::backends {
namespace {

class Names : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), migrations());
    run("INSERT INTO node (host, roles, state, lease_until, started_at, release, schema_version) VALUES ('one', 'all', 'up', scoria_now() + 60000000, 1, 'r', 1)");
    database().write([](db::Transaction& tx) {
      pools::ensure_backend(tx, "one@a", "", "nova");
      pools::ensure_service(tx, {.id = "s1", .host = "one@a", .binary = "cinder-volume", .zone = "nova", .inc = 1});
      pools::report(tx, {.backend = "one@a", .name = "p", .json = "{}"});
    });
    run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 't', 1, '{}', 1)");
    run("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, backend, pool, metadata, image_metadata, created_at) "
        "VALUES ('v', 'p', 'u', 1, 'available', 'detached', 't', 'nova', 'one@a', 'p', '{}', '{}', 1)");
    run("INSERT INTO snapshot (id, volume_id, project_id, user_id, status, size_gib, volume_type_id, backend, pool, metadata, created_at) "
        "VALUES ('s', 'v', 'p', 'u', 'available', 1, 't', 'one@a', 'p', '{}', 1)");
    run("INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, op, epoch, state, size_bytes, created_at, changed_at) "
        "VALUES ('one@a', 'volume-v', 'p', 'volume', 'v', 'o', 1, 'published', 1, 1, 1)");
    run("INSERT INTO finding (place, kind, subject, text, found_at, seen_at) VALUES ('one@a', 'object.foreign', 'p/x', 'x', 1, 1)");
    run("INSERT INTO chore (name, due_at) VALUES ('inventory:one@a', scoria_now() + 60000000)");
  }
  void run(const std::string& sql) {
    database().write([&](db::Transaction& tx) { tx.run(sql); });
  }
  void operation(const std::string& id, const std::string& queue, const std::string& state, const std::string& context = "{}") {
    database().write([&](db::Transaction& tx) {
      tx.run("INSERT INTO operation (id, kind, ver, queue, backend, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, epoch, owner, step, "
             "input, ctx, created_at, updated_at) VALUES (?, 'k', 1, ?, ?, 'p', 'u', 'q', 'volume', 'v', ?, 10, 1, 4, ?, 'fill', '{}', ?, 1, 1)",
             {id, queue, queue == "scheduler" ? db::Value{} : db::Value{"one@a"}, state, state == "running" ? db::Value{1} : db::Value{}, context});
    });
  }
  Moved to_cluster(const std::string& name = "c@a") {
    return database().write([&](db::Transaction& tx) {
      lock_names(tx);
      return rename(tx, "one@a", name, true);
    });
  }
  std::int64_t count(const std::string& sql) {
    return database().read([&](db::Transaction& tx) { return tx.query("SELECT COUNT(*) FROM " + sql).at(0, 0).integer(); });
  }
  std::optional<Backend> now(const std::string& old_name) {
    return database().read([&](db::Transaction& tx) { return renamed(tx, old_name); });
  }
};
SCORIA_EVERY_ENGINE(Names);

TEST_P(Names, everything_that_carries_the_name_moves_with_it) {
  operation("o1", "one@a", "ready"), operation("o2", "one@a!bulk", "waiting"), operation("o3", "one@a", "succeeded");
  const Moved moved = to_cluster();
  EXPECT_EQ(moved.volumes, 1);
  EXPECT_EQ(moved.snapshots, 1);
  EXPECT_EQ(moved.objects, 1);
  EXPECT_EQ(moved.operations, 3);
  for (const char* left : {"backend WHERE name = 'one@a'", "volume WHERE backend = 'one@a'", "snapshot WHERE backend = 'one@a'", "backend_object WHERE backend = 'one@a'",
                           "pool WHERE backend = 'one@a'", "finding WHERE place = 'one@a'", "chore WHERE name = 'inventory:one@a'",
                           "operation WHERE backend = 'one@a' OR queue IN ('one@a', 'one@a!bulk')"})
    EXPECT_EQ(count(left), 0) << left;
  EXPECT_EQ(count("backend WHERE name = 'c@a' AND cluster = 'c@a' AND gen = 2"), 1);
  EXPECT_EQ(count("service WHERE host = 'one@a' AND cluster = 'c@a'"), 1);
  EXPECT_EQ(count("operation WHERE queue = 'c@a!bulk'"), 1);
  EXPECT_EQ(count("chore WHERE name = 'inventory:c@a' AND due_at = 0"), 1);
}

TEST_P(Names, what_runs_is_taken_from_its_owner_and_looks_for_its_object_where_it_is_now) {
  operation("o1", "one@a!bulk", "running", R"({"version":1,"backend":"one@a","pool":"p","object":"volume-v","bytes":1,"refused":["one@a#q"]})");
  operation("o2", "scheduler", "ready", R"({"version":1,"backend":"","pool":"","object":"","bytes":0,"refused":["one@a#q","two@a#q"]})");
  to_cluster();
  EXPECT_EQ(count("operation WHERE id = 'o1' AND state = 'ready' AND owner IS NULL AND epoch = 5"), 1);
  EXPECT_EQ(count(R"(operation WHERE id = 'o1' AND ctx = '{"version":1,"backend":"c@a","pool":"p","object":"volume-v","bytes":1,"refused":["c@a#q"]}')"), 1);
  EXPECT_EQ(count(R"(operation WHERE id = 'o2' AND epoch = 4 AND ctx LIKE '%["c@a#q","two@a#q"]%')"), 1);
}

TEST_P(Names, whoever_knows_an_old_name_finds_the_one_of_today) {
  to_cluster();
  database().write([](db::Transaction& tx) { rename(tx, "c@a", "d@a", true); });
  EXPECT_EQ(now("one@a")->name, "d@a");
  EXPECT_EQ(now("c@a")->cluster, "d@a");
  database().write([](db::Transaction& tx) { rename(tx, "d@a", "one@a", false); });
  EXPECT_FALSE(now("one@a"));
  EXPECT_EQ(now("d@a")->name, "one@a");
  EXPECT_EQ(now("d@a")->cluster, "");
  EXPECT_EQ(count("backend WHERE name = 'one@a' AND cluster IS NULL AND gen = 4"), 1);
  EXPECT_EQ(count("service WHERE host = 'one@a' AND cluster IS NULL"), 1);
}

TEST_P(Names, a_name_that_is_taken_or_that_nobody_has_changes_nothing) {
  run("INSERT INTO backend (name, zone, created_at) VALUES ('c@a', 'nova', 1)");
  EXPECT_THROW(to_cluster(), db::ConstraintError);
  EXPECT_THROW(database().write([](db::Transaction& tx) { rename(tx, "nobody@a", "x@a", true); }), db::GuardFailed);
  EXPECT_EQ(count("volume WHERE backend = 'one@a'"), 1);
}

TEST_P(Names, an_empty_backend_is_forgotten_and_one_in_use_is_not_empty) {
  const auto empty = [&] { return database().read([](db::Transaction& tx) { return is_empty(tx, "one@a"); }); };
  EXPECT_FALSE(empty());
  run("DELETE FROM snapshot"), run("DELETE FROM volume"), run("UPDATE backend_object SET state = 'gone'");
  EXPECT_TRUE(empty());
  operation("o1", "one@a", "waiting");
  EXPECT_FALSE(empty());
  run("DELETE FROM operation");
  database().write([](db::Transaction& tx) { remove(tx, "one@a"); });
  for (const char* left : {"backend", "pool", "backend_object", "finding", "chore"}) EXPECT_EQ(count(left), 0) << left;
}

TEST_P(Names, leftovers_under_old_names_are_forgotten) {
  to_cluster();
  run("INSERT INTO finding (place, kind, subject, text, found_at, seen_at) VALUES ('one@a', 'object.foreign', 'p/x', 'x', 1, 1), ('c@a', 'object.foreign', 'p/x', 'x', 1, 1)");
  run("INSERT INTO chore (name, due_at) VALUES ('flatten:one@a', 1), ('flatten:c@a', 1)");
  database().write([](db::Transaction& tx) { forget_old_names(tx); });
  EXPECT_EQ(count("finding"), 1);
  EXPECT_EQ(count("chore WHERE name LIKE 'flatten:%'"), 1);
}

}  // namespace
}  // namespace scoria::store::backends
