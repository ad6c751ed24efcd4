#include "store/backends/names.h"
#include "store/testing.h"

namespace scoria::store::backends {
namespace {

using testing::joined;
using testing::Texts;

/// Two backends on which the same lies and runs: what is done to one shows when it reaches the other.
class Neighbours : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database().write([](db::Transaction& tx) {
      tx.run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 't', 1, '{}', 1)");
      for (const std::string name : {"one", "two"}) {
        const std::string id = "of-" + name;
        tx.run("INSERT INTO backend (name, zone, created_at) VALUES (?, 'nova', 1)", {name});
        for (const char* binary : {"cinder-volume", "cinder-backup"})
          tx.run("INSERT INTO service (host, binary_name, id, zone, inc, created_at, updated_at) VALUES (?, ?, ?, 'nova', 1, 1, 1)", {name, binary, name + binary});
        tx.run("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, backend, pool, metadata, image_metadata, rev, "
               "created_at) VALUES (?, 'p', 'u', 1, 'available', 'detached', 't', 'nova', ?, 'p', '{}', '{}', 5, 1)", {id, name});
        tx.run("INSERT INTO snapshot (id, volume_id, project_id, user_id, status, size_gib, volume_type_id, backend, pool, metadata, rev, created_at) "
               "VALUES (?, 'v', 'p', 'u', 'available', 1, 't', ?, 'p', '{}', 5, 1)", {id, name});
        for (const char* state : {"published", "doomed", "gone", "released"})
          tx.run("INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, op, epoch, state, size_bytes, created_at, changed_at) "
                 "VALUES (?, ?, 'p', 'volume', 'v', 'o', 1, ?, 1, 1, 1)", {name, state, state});
        for (const int volumes : {0, 2})
          tx.run("INSERT INTO pool (backend, name, volumes, unit_bytes, minimum_bytes, report, reported_at) VALUES (?, ?, ?, 1, 1, '{}', 1)",
                 {name, "with" + std::to_string(volumes), volumes});
        tx.run("INSERT INTO finding (place, kind, subject, text, found_at, seen_at) VALUES (?, 'k', 's', 'x', 1, 1)", {name});
        for (const char* kind : {"inventory:", "flatten:", "other:"}) tx.run("INSERT INTO chore (name, due_at, progress) VALUES (?, 7, 'half')", {kind + name});
        for (const char* state : {"ready", "running", "succeeded"})
          tx.run("INSERT INTO operation (id, kind, ver, queue, backend, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, epoch, owner, step, "
                 "input, ctx, created_at, updated_at) VALUES (?, 'k', 1, ?, ?, 'p', 'u', 'q', 'volume', 'v', ?, 10, 1, 4, 9, 'fill', '{}', ?, 1, 1)",
                 {id + state, name + (*state == 'r' ? "" : "!bulk"), name, state, R"({"backend":")" + name + R"(","refused":["two#q","one#q"]})"});
      }
    });
  }
};
SCORIA_EVERY_ENGINE(Neighbours);

TEST_P(Neighbours, a_rename_moves_nothing_of_another_backend) {
  run("INSERT INTO chore (name, due_at) VALUES ('inventory:new', 1), ('flatten:new', 1)");
  run("INSERT INTO service (host, binary_name, id, zone, cluster, inc, created_at, updated_at) VALUES ('peer', 'cinder-volume', 'peer', 'nova', 'one', 1, 1, 1)");
  Moved moved;
  EXPECT_EQ(changes("operation", "id", "queue, backend, ctx, state, owner, epoch, run_at, updated_at", [&](auto& tx) { moved = rename(tx, "one", "new", true); }),
            R"(of-oneready: queue=new backend=new ctx={"backend":"new","refused":["two#q","new#q"]}; )"
            R"(of-onerunning: queue=new backend=new ctx={"backend":"new","refused":["two#q","new#q"]} state=ready owner=- epoch=5 run_at=now updated_at=now; )"
            R"(of-onesucceeded: queue=new!bulk backend=new ctx={"backend":"new","refused":["two#q","one#q"]}; )"
            R"(of-twoready: ctx={"backend":"two","refused":["two#q","new#q"]}; of-tworunning: ctx={"backend":"two","refused":["two#q","new#q"]})");
  EXPECT_EQ(joined(moved.volumes, moved.snapshots, moved.objects, moved.operations), "1|1|4|3");
  EXPECT_EQ(rows("SELECT id, backend, rev FROM volume ORDER BY id"), (Texts{"of-one|new|6", "of-two|two|5"}));
  EXPECT_EQ(rows("SELECT id, backend, rev FROM snapshot ORDER BY id"), (Texts{"of-one|new|6", "of-two|two|5"}));
  EXPECT_EQ(rows("SELECT name, cluster, gen, updated_at FROM backend ORDER BY name"), (Texts{"new|new|2|now", "two|-|1|-"}));
  EXPECT_EQ(rows("SELECT backend, COUNT(*) FROM backend_object GROUP BY backend ORDER BY backend"), (Texts{"new|4", "two|4"}));
  EXPECT_EQ(rows("SELECT backend, name FROM pool ORDER BY backend, name"), (Texts{"new|with0", "new|with2", "two|with0", "two|with2"}));
  EXPECT_EQ(rows("SELECT host, binary_name, cluster FROM service ORDER BY host, binary_name"),
            (Texts{"one|cinder-backup|-", "one|cinder-volume|new", "peer|cinder-volume|new", "two|cinder-backup|-", "two|cinder-volume|-"}));
  EXPECT_EQ(rows("SELECT place FROM finding"), Texts{"two"});
  EXPECT_EQ(rows("SELECT name, due_at, progress FROM chore ORDER BY name"),
            (Texts{"flatten:new|0|", "flatten:two|7|half", "inventory:new|0|", "inventory:two|7|half", "other:one|7|half", "other:two|7|half"}));
}

TEST_P(Neighbours, names_are_told_by_name) {
  database().write([](db::Transaction& tx) { rename(tx, "two", "a-two", true), rename(tx, "one", "b-one", false), rename(tx, "b-one", "c-one", false); });
  const auto told = [](const Backend& one) { return one.name + "(" + one.cluster + ")"; };
  std::string all_of_them, old;
  for (const Backend& one : read([](auto& tx) { return all(tx); })) all_of_them += told(one) + " ";
  for (const auto& [name, one] : read([](auto& tx) { return old_names(tx); })) old += name + "=" + told(one) + " ";
  EXPECT_EQ(all_of_them, "a-two(a-two) c-one() ");
  EXPECT_EQ(old, "b-one=c-one() one=c-one() two=a-two(a-two) ");
  const auto found = [&](const char* name) { return read([&](auto& tx) { return find(tx, name); }); };
  EXPECT_EQ(told(*found("a-two")), "a-two(a-two)");
  EXPECT_FALSE(found("two"));
  EXPECT_EQ(told(*read([](auto& tx) { return renamed(tx, "one"); })), "c-one()");
  EXPECT_FALSE(read([](auto& tx) { return renamed(tx, "c-one"); }));
}

TEST_P(Neighbours, a_backend_is_empty_without_any_of_what_can_lie_there) {
  const auto empty = [&] { return read([](auto& tx) { return is_empty(tx, "one"); }); };
  run("DELETE FROM backend_object WHERE backend = 'two'"), run("DELETE FROM volume WHERE backend = 'two'"), run("DELETE FROM snapshot WHERE backend = 'two'");
  run("DELETE FROM operation WHERE backend = 'two'");
  const auto left = [&](const std::string& table, const std::string& where = "1 = 1") {
    for (const std::string each : {"volume", "snapshot", "backend_object", "operation"})
      run("UPDATE " + each + " SET backend = CASE WHEN " + (each == table ? where : "1 = 0") + " THEN 'one' ELSE 'away' END");
    return !empty();
  };
  EXPECT_FALSE(left("nothing"));
  EXPECT_TRUE(left("volume"));
  EXPECT_TRUE(left("snapshot"));
  for (const char* state : {"published", "doomed"}) EXPECT_TRUE(left("backend_object", "state = '" + std::string(state) + "'")) << state;
  EXPECT_FALSE(left("backend_object", "state IN ('gone', 'released')"));
  for (const char* state : {"ready", "running"}) EXPECT_TRUE(left("operation", "state = '" + std::string(state) + "'")) << state;
  EXPECT_FALSE(left("operation", "state = 'succeeded'"));
}

TEST_P(Neighbours, a_backend_is_forgotten_without_its_neighbour) {
  run("INSERT INTO backend_alias (name, now) VALUES ('former', 'one'), ('other', 'two')");
  database().write([](db::Transaction& tx) { remove(tx, "one"); });
  EXPECT_EQ(rows("SELECT name FROM backend"), Texts{"two"});
  EXPECT_EQ(rows("SELECT backend, name FROM pool ORDER BY backend, name"), (Texts{"one|with2", "two|with0", "two|with2"})) << "promises are not forgotten";
  EXPECT_EQ(rows("SELECT backend, name FROM backend_object ORDER BY backend, name"),
            (Texts{"one|doomed", "one|published", "two|doomed", "two|gone", "two|published", "two|released"}));
  EXPECT_EQ(rows("SELECT place FROM finding"), Texts{"two"});
  EXPECT_EQ(rows("SELECT name FROM chore ORDER BY name"), (Texts{"flatten:two", "inventory:two", "other:one", "other:two"}));
  EXPECT_EQ(rows("SELECT name FROM backend_alias"), Texts{"other"});
}

TEST_P(Neighbours, services_of_a_cluster_are_known_by_their_nodes) {
  run("DELETE FROM service");
  const auto node = [&](int inc, const char* state, const std::string& lease) {
    run("INSERT INTO node (inc, host, roles, state, lease_until, started_at, release, schema_version) VALUES (?, 'h', 'all', ?, " + lease + ", 1, 'r', 1)", {inc, state});
  };
  node(1, "up", "scoria_now() + 60000000"), node(2, "draining", "scoria_now() + 60000000"), node(3, "up", "scoria_now()"), node(4, "fenced", "scoria_now() + 60000000");
  const auto service = [&](const char* host, const char* binary, const char* cluster, int inc) {
    run("INSERT INTO service (host, binary_name, id, zone, cluster, inc, created_at, updated_at) VALUES (?, ?, ?, 'nova', ?, ?, 1, 1)",
        {host, binary, std::string(host) + binary, db::or_null(cluster), inc});
  };
  service("h2", "cinder-volume", "c", 1), service("h1", "cinder-volume", "c", 2), service("h3", "cinder-volume", "c", 3), service("h4", "cinder-volume", "c", 4);
  service("h5", "cinder-backup", "c", 1), service("h6", "cinder-volume", "d", 1), service("c", "cinder-volume", "", 1), service("h7", "cinder-volume", "", 1);
  const auto live = [&](const char* name) { return read([&](auto& tx) { return live_hosts(tx, name); }); };
  EXPECT_EQ(live("c"), (Texts{"c", "h1", "h2"}));
  EXPECT_EQ(live("h7"), Texts{"h7"});
  EXPECT_EQ(live("h2"), Texts{}) << "it serves its cluster";
  database().write([](db::Transaction& tx) { forget_services(tx, "c", "h1"); });
  EXPECT_EQ(rows("SELECT host FROM service ORDER BY host"), (Texts{"c", "h1", "h5", "h6", "h7"}));
}

}  // namespace
}  // namespace scoria::store::backends
