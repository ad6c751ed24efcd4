#include "store/services/services.h"

#include "store/services/activity.h"
#include "store/services/clusters.h"
#include "store/services/log_levels.h"
#include "store/testing.h"

namespace scoria::store::services {
namespace {

using testing::joined;
using testing::Texts;

/// Nodes 1 up, 2 draining, 3 up with a lease that is over, 4 fenced; their services, of hosts and of the cluster c.
class Services : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    const auto node = [&](int inc, const char* state, const std::string& lease) {
      run("INSERT INTO node (inc, host, roles, state, lease_until, started_at, release, schema_version) VALUES (?, 'h', 'all', ?, " + lease + ", 1, 'r', 1)", {inc, state});
    };
    node(1, "up", "scoria_now() + 60000000"), node(2, "draining", "scoria_now() + 60000000"), node(3, "up", "scoria_now()"), node(4, "fenced", "scoria_now() + 60000000");
    database().write([](db::Transaction& tx) {
      tx.run("INSERT INTO backend (name, cluster, zone, frozen, replication_status, active_backend_id, created_at) VALUES "
             "('c', 'c', 'z', 1, 'rs', 'ab', 3), ('h4', NULL, 'z', 0, 'rs4', 'ab4', 3), ('h5', NULL, 'z', 1, NULL, NULL, 3), ('d', 'd', 'z', 0, NULL, NULL, 3)");
      for (const auto& [host, binary, cluster, inc] :
           {std::tuple{"h1", "cinder-volume", "c", 1}, {"h2", "cinder-volume", "c", 2}, {"h3", "cinder-volume", "c", 3}, {"h4", "cinder-volume", "", 4},
            {"h4", "cinder-backup", "", 1}, {"h5", "cinder-scheduler", "c", 1}, {"h6", "cinder-volume", "", 9}})
        tx.run("INSERT INTO service (host, binary_name, id, zone, cluster, inc, created_at, updated_at) VALUES (?, ?, ?, 'z', ?, ?, 1, ?)",
               {host, binary, std::string(host) + binary[7], db::or_null(cluster), inc, 10 + inc});
    });
  }
  std::string changed(const Work& work) {
    return changes("service", "host || '/' || binary_name", "disabled, disabled_reason, activity, unproven, log_levels, updated_at", work);
  }
  std::string backends(const Work& work) { return changes("backend", "name", "disabled, disabled_reason, frozen, updated_at", work); }
};
SCORIA_EVERY_ENGINE(Services);

TEST_P(Services, come_with_their_node_and_their_backend) {
  run("UPDATE service SET disabled = 1, disabled_reason = 'why', backend_up = 0 WHERE host = 'h2'");
  Texts told;
  for (const Service& s : read([](auto& tx) { return all(tx); }))
    told.push_back(joined(s.id, s.host, s.binary, s.zone, s.cluster, s.incarnation, s.up, s.disabled, s.disabled_reason, s.backend_up, s.frozen, s.replication_status,
                          s.active_backend_id, s.updated_at, s.backend()));
  EXPECT_EQ(told, (Texts{"h4b|h4|cinder-backup|z||1|yes|no||yes|no|||11|h4", "h5s|h5|cinder-scheduler|z|c|1|yes|no||yes|no|||11|c",
                         "h1v|h1|cinder-volume|z|c|1|yes|no||yes|yes|rs|ab|11|c", "h2v|h2|cinder-volume|z|c|2|yes|yes|why|no|yes|rs|ab|12|c",
                         "h3v|h3|cinder-volume|z|c|3|no|no||yes|yes|rs|ab|13|c", "h4v|h4|cinder-volume|z||4|no|no||yes|no|rs4|ab4|14|h4",
                         "h6v|h6|cinder-volume|z||9|no|no||yes|no|||19|h6"}));
}

TEST_P(Services, are_switched_with_the_backend_that_is_theirs_alone) {
  const auto off = [](const char* host, std::string_view binary) { return [=](db::Transaction& tx) { EXPECT_EQ(set_disabled(tx, host, std::string(binary), true, "why"), 1); }; };
  EXPECT_EQ(changed(off("h4", "cinder-backup")), "h4/cinder-backup: disabled=1 disabled_reason=why");
  EXPECT_EQ(rows("SELECT name FROM backend WHERE disabled = 1"), Texts{});
  EXPECT_EQ(changed(off("h4", volume_binary)), "h4/cinder-volume: disabled=1 disabled_reason=why");
  EXPECT_EQ(rows("SELECT name, disabled_reason, updated_at FROM backend WHERE disabled = 1"), Texts{"h4|why|now"});
  EXPECT_EQ(backends([](auto& tx) { EXPECT_EQ(set_disabled(tx, "h4", std::string(volume_binary), false, ""), 1); }), "h4: disabled=0 disabled_reason=-");
  EXPECT_EQ(backends([](auto& tx) { EXPECT_EQ(set_disabled(tx, "h5", std::string(volume_binary), true, ""), 0); }), "") << "it has no such service";
  run("INSERT INTO service (host, binary_name, id, zone, cluster, inc, created_at, updated_at) VALUES ('c', 'cinder-volume', 'x', 'z', NULL, 1, 1, 1)");
  EXPECT_EQ(backends(off("c", volume_binary)), "") << "a cluster is switched by its own name";
}

TEST_P(Services, backends_are_frozen_once) {
  EXPECT_EQ(backends([](auto& tx) { EXPECT_EQ(set_frozen(tx, "h4", true), 1); }), "h4: frozen=1 updated_at=now");
  EXPECT_EQ(backends([](auto& tx) { EXPECT_EQ(set_frozen(tx, "h4", true), 0); }), "");
  EXPECT_EQ(backends([](auto& tx) { EXPECT_EQ(set_frozen(tx, "h5", false), 1); }), "h5: frozen=0 updated_at=now");
  EXPECT_EQ(backends([](auto& tx) { EXPECT_EQ(set_frozen(tx, "nobody", true), 0); }), "");
  const auto is = [&](const char* name) { return read([&](auto& tx) { return frozen(tx, name); }); };
  EXPECT_TRUE(is("c"));
  EXPECT_FALSE(is("h5"));
  EXPECT_FALSE(is("nobody"));
}

TEST_P(Services, backends_hold_what_projects_have_there) {
  run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 't', 1, '{}', 1)");
  for (const auto& [id, project, backend, gib] : {std::tuple{"a", "p", "c", 3}, {"b", "p", "c", 4}, {"c", "q", "c", 5}, {"d", "p", "d", 60}})
    run("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, backend, metadata, image_metadata, created_at) "
        "VALUES (?, ?, 'u', ?, 'available', 'detached', 't', 'nova', ?, '{}', '{}', 1)", {id, project, gib, backend});
  for (const auto& [id, project, backend, gib] : {std::tuple{"a", "q", "c", 7}, {"b", "r", "c", 8}, {"c", "r", "c", 9}, {"d", "r", "d", 60}})
    run("INSERT INTO snapshot (id, volume_id, project_id, user_id, status, size_gib, volume_type_id, backend, pool, metadata, created_at) "
        "VALUES (?, 'v', ?, 'u', 'available', ?, 't', ?, 'q', '{}', 1)", {id, project, gib, backend});
  Texts told;
  for (const Content& one : read([](auto& tx) { return contents(tx, "c"); }))
    told.push_back(joined(one.project, one.volumes, one.volume_gib, one.snapshots, one.snapshot_gib));
  EXPECT_EQ(told, (Texts{"p|2|7|0|0", "q|1|5|1|7", "r|0|0|2|17"}));
}

TEST_P(Services, clusters_count_the_hosts_that_live) {
  run("UPDATE backend SET disabled_reason = 'why', updated_at = 4 WHERE name = 'c'");
  const auto told = [](const clusters::Cluster& c) {
    return joined(c.name, c.hosts, c.down_hosts, c.up(), c.disabled, c.frozen, c.disabled_reason, c.replication_status, c.active_backend_id, c.last_heartbeat, c.created_at,
                  c.updated_at);
  };
  Texts all_of_them;
  for (const clusters::Cluster& one : read([](auto& tx) { return clusters::all(tx); })) all_of_them.push_back(told(one));
  EXPECT_EQ(all_of_them, (Texts{"c|3|1|yes|no|yes|why|rs|ab|13|3|4", "d|0|0|no|no|no||||0|3|0"}));
  EXPECT_EQ(told(*read([](auto& tx) { return clusters::find(tx, "c"); })), all_of_them[0]);
  EXPECT_FALSE(read([](auto& tx) { return clusters::find(tx, "h4"); }));
  EXPECT_EQ(backends([](auto& tx) { EXPECT_EQ(clusters::set_disabled(tx, "d", true, "why"), 1); }), "d: disabled=1 disabled_reason=why updated_at=now");
  EXPECT_EQ(backends([](auto& tx) { EXPECT_EQ(clusters::set_disabled(tx, "h4", true, "why"), 0); }), "");
  EXPECT_EQ(backends([](auto& tx) { EXPECT_EQ(clusters::set_disabled(tx, "d", false, ""), 1); }), "d: disabled=0 disabled_reason=-");
}

TEST_P(Services, nodes_tell_how_they_share_a_backend) {
  EXPECT_EQ(changed([](auto& tx) { tell_activity(tx, "h4", "", owner, ""); }), "h4/cinder-volume: activity=owner");
  EXPECT_EQ(changed([](auto& tx) { tell_activity(tx, "h2", "c", standby, "why"); }), "h2/cinder-volume: activity=standby unproven=why");
  Texts told;
  for (const Activity& one : read([](auto& tx) { return activities(tx); })) told.push_back(joined(one.backend, one.host, one.activity, one.unproven, one.up));
  EXPECT_EQ(told, (Texts{"c|h1|||yes", "c|h2|standby|why|yes", "c|h3|||no", "h4|h4|owner||no", "h6|h6|||no"}));
  EXPECT_EQ(changed([](auto& tx) { tell_activity(tx, "h1", "c", owner, ""); }), "h1/cinder-volume: activity=owner");
  EXPECT_EQ(changed([](auto& tx) { tell_activity(tx, "h2", "c", owner, "why"); }), "h1/cinder-volume: activity=standby; h2/cinder-volume: activity=owner");
}

TEST_P(Services, log_levels_are_asked_for_and_told) {
  EXPECT_EQ(read([](auto& tx) { return log_levels::newest(tx); }), 0);
  database().write([](db::Transaction& tx) { log_levels::set(tx, "h1", "db", "debug"), log_levels::set(tx, "h2", "net", "error"), log_levels::set(tx, "h1", "db", "info"); });
  const std::int64_t newest = read([](auto& tx) { return log_levels::newest(tx); });
  const auto told = [&](std::int64_t seq) {
    Texts out;
    for (const log_levels::Setting& one : read([&](auto& tx) { return log_levels::since(tx, seq); })) out.push_back(joined(one.seq - newest, one.host, one.prefix, one.level));
    return out;
  };
  EXPECT_EQ(told(0), (Texts{"-2|h1|db|debug", "-1|h2|net|error", "0|h1|db|info"}));
  EXPECT_EQ(told(newest - 1), Texts{"0|h1|db|info"});
  EXPECT_EQ(rows("SELECT DISTINCT created_at > 1 FROM log_setting").size(), 1u);
  EXPECT_EQ(changed([](auto& tx) { log_levels::publish(tx, 1, "{1}"); }),
            "h1/cinder-volume: log_levels={1}; h4/cinder-backup: log_levels={1}; h5/cinder-scheduler: log_levels={1}");
  EXPECT_EQ(changed([](auto& tx) { log_levels::publish(tx, 2, "{1}"); }), "h2/cinder-volume: log_levels={1}");
  Texts all_of_them;
  for (const log_levels::Published& one : read([](auto& tx) { return log_levels::published(tx); })) all_of_them.push_back(joined(one.host, one.binary, one.levels));
  EXPECT_EQ(all_of_them, (Texts{"h4|cinder-backup|{1}", "h5|cinder-scheduler|{1}", "h1|cinder-volume|{1}", "h2|cinder-volume|{1}", "h3|cinder-volume|{}", "h4|cinder-volume|{}",
                                "h6|cinder-volume|{}"}));
}

}  // namespace
}  // namespace scoria::store::services
