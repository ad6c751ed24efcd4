#include "store/portals/portals.h"

#include "store/testing.h"

namespace scoria::store::portals {
namespace {

using testing::joined;
using testing::Texts;

class Portals : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database().write([](db::Transaction& tx) {
      join(tx, "c", "h2", {"p2", "p1"}), join(tx, "c", "h1", {"p1"}), join(tx, "d", "h3", {"p3"});
      tx.run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 't', 1, '{}', 1)");
      for (const char* id : {"v", "w"})
        tx.run("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, backend, metadata, image_metadata, rev, created_at) "
               "VALUES (?, 'p', 'u', 1, 'available', 'detached', 't', 'nova', ?, '{}', '{}', 5, 1)", {id, "of-" + std::string(id)});
    });
  }
  std::string on_hosts(const Work& work) { return changes("export_host", "name", "cluster, generation, lease_until", work); }
  std::string on_portals(const Work& work) { return changes("portal", "name", "cluster, host, previous_host, generation, since", work); }
  void lease(const std::string& until) { run("UPDATE export_host SET generation = 4, lease_until = " + until); }
};
SCORIA_EVERY_ENGINE(Portals);

TEST_P(Portals, hosts_join_once) {
  EXPECT_EQ(rows("SELECT name, cluster, generation, lease_until FROM export_host ORDER BY name"), (Texts{"h1|c|0|0", "h2|c|0|0", "h3|d|0|0"}));
  EXPECT_EQ(rows("SELECT name, cluster, host, generation FROM portal ORDER BY name"), (Texts{"p1|c|-|0", "p2|c|-|0", "p3|d|-|0"}));
  lease("1");
  run("UPDATE export_host SET generation = 6 WHERE name = 'h1'");
  EXPECT_EQ(on_hosts([](auto& tx) { EXPECT_EQ(join(tx, "c", "h1", {"p1"}), 6); }), "");
}

TEST_P(Portals, leases_last_until_they_are_over) {
  lease("1");
  EXPECT_EQ(on_hosts([](auto& tx) { EXPECT_TRUE(renew(tx, "h1", 4, std::chrono::seconds{30})); }), "h1: lease_until=now+30s");
  EXPECT_EQ(on_hosts([](auto& tx) { EXPECT_FALSE(renew(tx, "h1", 3, std::chrono::seconds{30})); }), "");
  run("UPDATE export_host SET lease_until = " + not_over() + " WHERE name = 'h1'");
  Texts told;
  for (const Host& one : read([](auto& tx) { return hosts(tx, "c"); })) told.push_back(joined(one.name, one.generation, one.expired));
  EXPECT_EQ(told, (Texts{"h1|4|no", "h2|4|yes"}));
}

TEST_P(Portals, of_a_dead_host_are_free_and_anothers_stay) {
  run("UPDATE portal SET host = 'h1', generation = 3"), run("UPDATE portal SET host = 'h2' WHERE name = 'p2'");
  lease(not_over());
  const auto fenced = [&](std::int64_t generation, bool expected) {
    return [=](db::Transaction& tx) { EXPECT_EQ(fence(tx, {"h1", generation, true}), expected); };
  };
  EXPECT_EQ(on_hosts(fenced(4, false)), "");
  lease("scoria_now() - 60000000");
  EXPECT_EQ(on_portals(fenced(3, false)), "");
  EXPECT_EQ(on_portals(fenced(4, true)), "p1: host=- previous_host=h1; p3: host=- previous_host=h1");
  EXPECT_EQ(rows("SELECT name, generation FROM export_host ORDER BY name"), (Texts{"h1|5", "h2|4", "h3|4"}));
  Texts told;
  for (const Portal& one : read([](auto& tx) { return all(tx, "c"); })) told.push_back(joined(one.name, one.host, one.previous_host, one.generation));
  EXPECT_EQ(told, (Texts{"p1||h1|3", "p2|h2||3"}));
}

TEST_P(Portals, are_claimed_by_one_whose_lease_holds) {
  run("UPDATE portal SET generation = 3");
  const auto claimed = [](bool expected, std::int64_t portal = 3, std::int64_t host = 4) {
    return [=](db::Transaction& tx) { EXPECT_EQ(claim(tx, {"p1", "", "", portal}, "h1", host), expected); };
  };
  lease("scoria_now() - 60000000");
  EXPECT_EQ(on_portals(claimed(true)), "refused: export_host.lease");
  lease(not_over());
  EXPECT_EQ(on_portals(claimed(true, 3, 5)), "refused: export_host.lease");
  EXPECT_EQ(on_portals(claimed(false, 2)), "");
  EXPECT_EQ(on_hosts(claimed(true)), "");
  EXPECT_EQ(rows("SELECT name, host, generation, since FROM portal ORDER BY name"), (Texts{"p1|h1|4|now", "p2|-|3|-", "p3|-|3|-"}));
  EXPECT_EQ(on_portals(claimed(false, 4)), "") << "it is taken";
  EXPECT_TRUE(is_home(home_place("h1")));
  EXPECT_FALSE(is_home("p1"));
  EXPECT_EQ(queue_of("p1"), "exports/p1");
}

TEST_P(Portals, serve_a_volume_at_one_place) {
  const auto moved = [](std::int64_t rev, const char* place) { return [=](db::Transaction& tx) { put(tx, {"v"}, rev, place); }; };
  const auto places = [&](const Work& work) { return changes("export_place", "volume_id", "place", work); };
  run("INSERT INTO export_place (volume_id, place) VALUES ('w', 'p1')");
  EXPECT_EQ(places(moved(4, "p1")), "refused: volume.rev");
  EXPECT_EQ(places(moved(5, "p1")), "v: new");
  EXPECT_EQ(rows("SELECT id, rev FROM volume ORDER BY id"), (Texts{"v|6", "w|5"}));
  EXPECT_EQ(places(moved(6, "p2")), "v: place=p2");
  const auto attach = [&](const char* id, const char* volume, bool connected) {
    run("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, connection, created_at) VALUES (?, ?, 'p', 'u', 'attached', ?, 1)",
        {id, volume, connected ? db::Value("sealed") : db::Value()});
  };
  attach("a3", "w", true), attach("a0", "v", false);
  const auto used = [&](std::string_view except) { return read([&](auto& tx) { return place_of(tx, {"v"}, except); })->used; };
  EXPECT_FALSE(used(""));
  attach("a1", "v", true);
  EXPECT_TRUE(used(""));
  EXPECT_FALSE(used("a1"));
  attach("a2", "v", true);
  EXPECT_TRUE(used("a1"));
  EXPECT_EQ(read([](auto& tx) { return place_of(tx, {"v"}); })->name, "p2");
  EXPECT_FALSE(read([](auto& tx) { return place_of(tx, {"nobody"}); }));
  const auto served = [&](const char* place) {
    Texts out;
    for (const Served& one : read([&](auto& tx) { return served_at(tx, place); })) out.push_back(joined(one.attachment_id, one.backend));
    return out;
  };
  EXPECT_EQ(served("p2"), (Texts{"a1|of-v", "a2|of-v"}));
  EXPECT_EQ(served("p1"), Texts{"a3|of-w"});
  EXPECT_EQ(places([](auto& tx) { forget(tx, {"v"}); }), "v: gone");
}

}  // namespace
}  // namespace scoria::store::portals
