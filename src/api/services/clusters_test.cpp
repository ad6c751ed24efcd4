#include "api/services/handlers.h"
#include "api/testing.h"
#include "commands/services/cleanup.h"
#include "store/pools/pool_state.h"

namespace scoria::api {
namespace {

/// Cluster "c" of two nodes with one backend, and a backend of one host.
class ClustersOf : public testing::Api {
 protected:
  ClustersOf() {
    mount_services(handlers_, services_);
    node(1, true), node(2, false), node(3, true);
    service("one@a", 1, "c@a"), service("two@a", 2, "c@a"), service("three@b", 3, "");
    write("INSERT INTO backend (name, cluster, zone, created_at) VALUES ('c@a', 'c@a', 'nova', 1000000), ('three@b', NULL, 'nova', 1)");
    write("INSERT INTO pool (backend, name, unit_bytes, minimum_bytes, report, reported_at) VALUES ('c@a', 'p', 1, 1, '{}', 1)");
  }
  void node(int inc, bool alive) {
    write("INSERT INTO node (inc, host, roles, state, lease_until, started_at, release, schema_version) VALUES (?, 'h', 'all', 'up', scoria_now() + ?, 1, 'r', 1)",
          {inc, alive ? 60'000'000 : -1});
  }
  void service(const std::string& host, int inc, const std::string& cluster) {
    write("INSERT INTO service (host, binary_name, id, zone, cluster, inc, created_at, updated_at) VALUES (?, 'cinder-volume', ?, 'nova', ?, ?, 1, 2000000)",
          {host, fmt::format("{:08x}-0000-0000-0000-000000000000", inc * 256), db::or_null(cluster), inc});
  }
  void operation(const std::string& id, const std::string& queue, const std::string& state, int owner, const std::string& resource = "r") {
    write("INSERT INTO operation (id, kind, ver, queue, backend, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, owner, step, input, "
          "ctx, created_at, updated_at) VALUES (?, 'volume.create', 1, ?, ?, 'p', 'u', 'q', 'volume', ?, ?, 10, scoria_now() + 60000000, ?, 'fill', '{}', '{}', 1, 1)",
          {id, queue, queue, resource, state, owner == 0 ? db::Value{} : db::Value{owner}});
  }
  json::Value show(const std::string& path, int version = 71) { return ask("admin", "GET", "/v3/clusters" + path, {}, version).body; }
  std::size_t listed(const std::string& query, int version = 71) { return show("/detail" + query, version)["clusters"].array().size(); }
  int put(const std::string& path, const std::string& body) { return ask("admin", "PUT", "/v3" + path, body).status; }
  testing::Reply clean(const std::string& body = "{}") { return ask("admin", "POST", "/v3/workers/cleanup", body); }
};

TEST_F(ClustersOf, a_cluster_is_up_while_one_of_its_nodes_lives) {
  const json::Value one = show("/c@a")["cluster"];
  EXPECT_EQ(one.text_or("name"), "c@a");
  EXPECT_EQ(one.text_or("binary"), "cinder-volume");
  EXPECT_EQ(one.text_or("state"), "up");
  EXPECT_EQ(one.text_or("status"), "enabled");
  EXPECT_EQ(one.integer_or("num_hosts"), 2);
  EXPECT_EQ(one.integer_or("num_down_hosts"), 1);
  EXPECT_EQ(one.text_or("last_heartbeat"), "1970-01-01T00:00:02.000000");
  EXPECT_EQ(one.text_or("created_at"), "1970-01-01T00:00:01.000000");
  write("UPDATE node SET state = 'fenced' WHERE inc = 1");
  EXPECT_EQ(show("/c@a")["cluster"].text_or("state"), "down");
  EXPECT_EQ(show("/c@a")["cluster"].integer_or("num_down_hosts"), 2);
}

TEST_F(ClustersOf, fields_come_with_their_versions_and_calls) {
  const json::Value summary = show("", 25)["clusters"].array().at(0);
  EXPECT_EQ(summary.object().size(), 4u);
  EXPECT_NE(show("", 26)["clusters"].array().at(0).find("replication_status"), nullptr);
  EXPECT_EQ(show("/detail", 25)["clusters"].array().at(0).find("frozen"), nullptr);
  EXPECT_FALSE(show("/detail", 26)["clusters"].array().at(0).flag_or("frozen", true));
  EXPECT_EQ(ask("admin", "GET", "/v3/clusters", {}, 6).status, 404);
  EXPECT_EQ(ask("member", "GET", "/v3/clusters").status, 403);
  EXPECT_EQ(ask("member", "GET", "/v3/clusters/c@a").status, 403);
  EXPECT_EQ(ask("admin", "GET", "/v3/clusters/three@b").status, 404);
  EXPECT_EQ(ask("admin", "GET", "/v3/clusters/c@a?binary=cinder-backup").status, 404);
}

TEST_F(ClustersOf, lists_are_filtered_by_what_the_version_knows) {
  EXPECT_EQ(listed(""), 1u);
  EXPECT_EQ(listed("?name=c@a&is_up=true&disabled=false&num_hosts=2&num_down_hosts=1&binary=cinder-volume"), 1u);
  for (const char* other : {"?name=d@a", "?is_up=no", "?disabled=1", "?num_hosts=3", "?num_down_hosts=0", "?binary=cinder-backup", "?frozen=true"})
    EXPECT_EQ(listed(other), 0u) << other;
  for (const char* wrong : {"?limit=1", "?is_up=perhaps", "?num_hosts=two"}) EXPECT_EQ(ask("admin", "GET", std::string("/v3/clusters") + wrong).status, 400) << wrong;
  EXPECT_EQ(ask("admin", "GET", "/v3/clusters?frozen=false", {}, 25).status, 400);
}

TEST_F(ClustersOf, a_disabled_cluster_gets_no_new_volumes_until_it_is_enabled) {
  const auto disabled = ask("admin", "PUT", "/v3/clusters/disable", R"({"name":"c@a","binary":"cinder-volume","disabled_reason":"paint"})");
  EXPECT_EQ(disabled.status, 200);
  EXPECT_EQ(disabled.body["cluster"].text_or("status"), "disabled");
  EXPECT_EQ(disabled.body["cluster"].text_or("disabled_reason"), "paint");
  EXPECT_TRUE(database().read([](db::Transaction& tx) { return store::pools::all_states(tx); }).at(0).disabled);
  EXPECT_EQ(show("/c@a")["cluster"].text_or("disabled_reason"), "paint");
  EXPECT_EQ(put("/clusters/enable", R"({"name":"c@a"})"), 200);
  EXPECT_TRUE(show("/c@a")["cluster"]["disabled_reason"].is_null());
  EXPECT_FALSE(show("/c@a")["cluster"]["updated_at"].is_null());
  EXPECT_FALSE(database().read([](db::Transaction& tx) { return store::pools::all_states(tx); }).at(0).disabled);
}

TEST_F(ClustersOf, switching_needs_a_cluster_that_there_is) {
  EXPECT_EQ(put("/clusters/disable", R"({"name":"three@b"})"), 404);
  EXPECT_EQ(put("/clusters/disable", R"({"name":"c@a","binary":"cinder-backup"})"), 404);
  EXPECT_EQ(put("/clusters/disable", "{}"), 400);
  EXPECT_EQ(ask("member", "PUT", "/v3/clusters/disable", R"({"name":"c@a"})").status, 403);
  EXPECT_EQ(number("SELECT SUM(disabled) FROM backend"), 0);
}

TEST_F(ClustersOf, a_cluster_whose_services_are_all_disabled_gets_no_new_volumes) {
  const auto out_of_scheduling = [&] { return database().read([](db::Transaction& tx) { return store::pools::all_states(tx); }).at(0).disabled; };
  EXPECT_EQ(put("/os-services/disable", R"({"host":"one@a","binary":"cinder-volume"})"), 200);
  EXPECT_FALSE(out_of_scheduling());
  EXPECT_EQ(put("/os-services/disable", R"({"host":"two@a","binary":"cinder-volume"})"), 200);
  EXPECT_TRUE(out_of_scheduling());
}

TEST_F(ClustersOf, services_are_switched_by_their_cluster_as_well) {
  EXPECT_EQ(put("/os-services/disable", R"({"cluster":"c@a","binary":"cinder-volume"})"), 200);
  EXPECT_EQ(show("/c@a")["cluster"].text_or("status"), "disabled");
  EXPECT_EQ(put("/os-services/enable", R"({"cluster":"d@a","binary":"cinder-volume"})"), 404);
}

TEST_F(ClustersOf, a_cluster_is_frozen_by_its_name_or_by_any_of_its_hosts) {
  EXPECT_EQ(put("/os-services/freeze", R"({"cluster":"c@a"})"), 200);
  EXPECT_TRUE(show("/c@a")["cluster"].flag_or("frozen"));
  EXPECT_EQ(put("/os-services/freeze", R"({"host":"two@a"})"), 400);
  EXPECT_EQ(put("/os-services/thaw", R"({"host":"two@a"})"), 200);
  EXPECT_FALSE(show("/c@a")["cluster"].flag_or("frozen"));
  EXPECT_EQ(put("/os-services/freeze", R"({"host":"two@a","cluster":"c@a"})"), 400);
  EXPECT_EQ(ask("admin", "PUT", "/v3/os-services/freeze", R"({"cluster":"c@a"})", 25).status, 400);
}

TEST_F(ClustersOf, there_is_nothing_to_clean_up_and_asking_compares_storage_at_once) {
  write("INSERT INTO chore (name, due_at) VALUES ('inventory:c@a', scoria_now() + 600000000), ('inventory:three@b', scoria_now() + 600000000)");
  operation("o1", "c@a", "ready", 0);
  const testing::Reply reply = clean(R"({"cluster_name":"c"})");
  EXPECT_EQ(reply.status, 202);
  EXPECT_TRUE(reply.body["cleaning"].array().empty());
  EXPECT_TRUE(reply.body["unavailable"].array().empty());
  EXPECT_EQ(number("SELECT COUNT(*) FROM chore WHERE due_at = 0"), 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM operation WHERE run_at <= scoria_now()"), 1);
}

TEST_F(ClustersOf, what_a_dead_node_was_at_is_told_until_it_is_taken_over) {
  operation("o1", "c@a", "running", 2);
  const testing::Reply reply = clean(R"({"is_up":false,"binary":"cinder-volume"})");
  ASSERT_EQ(reply.body["cleaning"].array().size(), 1u);
  const json::Value one = reply.body["cleaning"].array().at(0);
  EXPECT_EQ(one.text_or("host"), "two@a");
  EXPECT_EQ(one.text_or("cluster_name"), "c@a");
  EXPECT_EQ(one.text_or("binary"), "cinder-volume");
  EXPECT_EQ(one.integer_or("id"), 2 * 16);
  write("UPDATE node SET state = 'fenced' WHERE inc = 1");
  EXPECT_EQ(clean(R"({"service_id":"32"})").body["unavailable"].array().size(), 1u);
  EXPECT_TRUE(clean(R"({"service_id":33})").body["unavailable"].array().empty());
  EXPECT_TRUE(clean(R"({"is_up":"true"})").body["unavailable"].array().empty());
  EXPECT_TRUE(clean(R"({"disabled":true})").body["unavailable"].array().empty());
  EXPECT_TRUE(clean(R"({"host":"three"})").body["unavailable"].array().empty());
}

TEST_F(ClustersOf, a_clean_up_may_name_a_resource) {
  volume("00000000-0000-0000-0000-000000000001", "t0");
  write("UPDATE volume SET backend = 'c@a', pool = 'p'");
  operation("o1", "c@a", "running", 2);
  EXPECT_EQ(clean(R"({"resource_id":"00000000-0000-0000-0000-000000000001","resource_type":"Volume"})").body["cleaning"].array().size(), 1u);
  EXPECT_EQ(clean(R"({"resource_id":"00000000-0000-0000-0000-000000000002"})").status, 404);
  EXPECT_EQ(clean(R"({"resource_type":"Backup"})").status, 400);
  EXPECT_EQ(clean(R"({"binary":"cinder-api"})").status, 400);
  EXPECT_EQ(ask("member", "POST", "/v3/workers/cleanup", "{}").status, 403);
  EXPECT_EQ(ask("admin", "POST", "/v3/workers/cleanup", "{}", 23).status, 404);
}

}  // namespace
}  // namespace scoria::api
