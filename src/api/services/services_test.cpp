#include "api/services/handlers.h"
#include "api/testing.h"

namespace scoria::api {
namespace {

class ServicesOf : public testing::Api {
 protected:
  ServicesOf() {
    mount_services(handlers_, services_);
    node(1, true), node(2, false);
    service("one", "cinder-scheduler", 1), service("one@a", "cinder-volume", 1), service("two@b", "cinder-volume", 2);
    write("INSERT INTO backend (name, zone, created_at) VALUES ('one@a', 'nova', 1), ('two@b', 'far', 1)");
  }
  void node(int inc, bool alive) {
    write("INSERT INTO node (inc, host, roles, state, lease_until, started_at, release, schema_version) VALUES (?, 'h', 'all', 'up', scoria_now() + ?, 1, 'r', 1)",
          {inc, alive ? 60'000'000 : -1});
  }
  void service(const std::string& host, const std::string& binary, int inc) {
    write("INSERT INTO service (host, binary_name, id, zone, inc, created_at, updated_at) VALUES (?, ?, ?, ?, ?, 1, 1)",
          {host, binary, host + binary, host == "two@b" ? "far" : "nova", inc});
  }
  json::Value list(const std::string& query = {}, int version = 71) { return ask("admin", "GET", "/v3/os-services" + query, {}, version).body["services"]; }
  json::Value row(const std::string& host) {
    const json::Value all = list();
    for (const json::Value& one : all.array())
      if (one.text_or("host") == host) return one;
    return {};
  }
  int put(const std::string& verb, const std::string& body) { return ask("admin", "PUT", "/v3/os-services/" + verb, body).status; }
};

TEST_F(ServicesOf, a_service_is_up_while_its_node_lives) {
  EXPECT_EQ(list().array().size(), 3u);
  EXPECT_EQ(row("one@a").text_or("state"), "up");
  EXPECT_EQ(row("two@b").text_or("state"), "down");
  EXPECT_EQ(row("two@b").text_or("zone"), "far");
  EXPECT_EQ(row("one").text_or("binary"), "cinder-scheduler");
}

TEST_F(ServicesOf, fields_come_with_their_versions_and_binaries) {
  const json::Value old = list("?binary=cinder-volume", 6).array().at(0);
  EXPECT_EQ(old.find("cluster"), nullptr);
  EXPECT_NE(old.find("frozen"), nullptr);
  EXPECT_EQ(list("?binary=cinder-volume", 48).array().at(0).find("backend_state"), nullptr);
  EXPECT_EQ(row("one@a").text_or("backend_state"), "up");
  EXPECT_EQ(row("two@b").text_or("backend_state"), "down");
  EXPECT_EQ(row("one").find("backend_state"), nullptr);
  EXPECT_EQ(row("one").find("frozen"), nullptr);
}

TEST_F(ServicesOf, lists_are_filtered_by_host_and_binary) {
  EXPECT_EQ(list("?host=one").array().size(), 2u);
  EXPECT_EQ(list("?host=one@a").array().size(), 1u);
  EXPECT_EQ(list("?binary=cinder-volume&host=two").array().size(), 1u);
  EXPECT_EQ(ask("member", "GET", "/v3/os-services").status, 403);
}

TEST_F(ServicesOf, a_disabled_service_takes_its_backend_out_of_scheduling_until_it_is_enabled) {
  const auto disabled = ask("admin", "PUT", "/v3/os-services/disable-log-reason", R"({"host":"one@a","binary":"cinder-volume","disabled_reason":"paint"})");
  EXPECT_EQ(disabled.body.text_or("status"), "disabled");
  EXPECT_TRUE(disabled.body.flag_or("disabled"));
  EXPECT_EQ(disabled.body.text_or("disabled_reason"), "paint");
  EXPECT_EQ(row("one@a").text_or("status"), "disabled");
  EXPECT_EQ(row("one@a").text_or("disabled_reason"), "paint");
  EXPECT_EQ(number("SELECT disabled FROM backend WHERE name = 'one@a'"), 1);
  EXPECT_EQ(put("enable", R"({"host":"one@a","binary":"cinder-volume"})"), 200);
  EXPECT_EQ(row("one@a").text_or("status"), "enabled");
  EXPECT_TRUE(row("one@a")["disabled_reason"].is_null());
  EXPECT_EQ(number("SELECT disabled FROM backend WHERE name = 'one@a'"), 0);
}

TEST_F(ServicesOf, switching_needs_a_service_that_there_is) {
  EXPECT_EQ(put("disable", R"({"host":"one@a","binary":"cinder-backup"})"), 404);
  EXPECT_EQ(put("disable", R"({"binary":"cinder-volume"})"), 400);
  EXPECT_EQ(put("disable", R"({"host":"one@a"})"), 400);
  EXPECT_EQ(put("disable-log-reason", R"({"host":"one@a","binary":"cinder-volume"})"), 400);
  EXPECT_EQ(ask("member", "PUT", "/v3/os-services/disable", R"({"host":"one@a","binary":"cinder-volume"})").status, 403);
  EXPECT_EQ(number("SELECT SUM(disabled) FROM service"), 0);
}

TEST_F(ServicesOf, a_backend_is_frozen_once_and_thawed_once) {
  EXPECT_EQ(put("thaw", R"({"host":"one@a"})"), 400);
  EXPECT_EQ(put("freeze", R"({"host":"one@a"})"), 200);
  EXPECT_TRUE(row("one@a").flag_or("frozen"));
  EXPECT_EQ(put("freeze", R"({"host":"one@a"})"), 400);
  EXPECT_EQ(put("thaw", R"({"host":"one@a"})"), 200);
  EXPECT_FALSE(row("one@a").flag_or("frozen"));
  EXPECT_EQ(put("freeze", R"({"host":"nobody@a"})"), 400);
  EXPECT_EQ(put("freeze", "{}"), 400);
  EXPECT_EQ(put("failover_host", R"({"host":"one@a"})"), 400);
}

TEST_F(ServicesOf, log_levels_are_those_that_processes_told) {
  write("UPDATE service SET log_levels = '{\"http\":\"INFO\",\"engine\":\"DEBUG\"}' WHERE host = 'one@a'");
  const auto levels = [&](const std::string& body) { return ask("admin", "PUT", "/v3/os-services/get-log", body).body["log_levels"]; };
  EXPECT_EQ(levels(R"({"binary":"*"})").array().size(), 3u);
  const json::Value chosen = levels(R"({"binary":"cinder-volume","server":"one","prefix":"ht"})");
  ASSERT_EQ(chosen.array().size(), 1u);
  EXPECT_EQ(chosen.array()[0]["levels"].text_or("http"), "INFO");
  EXPECT_EQ(chosen.array()[0]["levels"].object().size(), 1u);
}

TEST_F(ServicesOf, log_levels_are_asked_for_where_they_are_meant) {
  EXPECT_EQ(put("set-log", R"({"binary":"cinder-volume","server":"two","prefix":"engine","level":"debug"})"), 202);
  EXPECT_EQ(number("SELECT COUNT(*) FROM log_setting WHERE host = 'two@b' AND prefix = 'engine' AND level = 'DEBUG'"), 1);
  EXPECT_EQ(number("SELECT COUNT(*) FROM log_setting"), 1);
  EXPECT_EQ(put("set-log", R"({"binary":"cinder-volume","server":"nobody","level":"debug"})"), 404);
  EXPECT_EQ(put("set-log", R"({"binary":"cinder-volume","level":"loud"})"), 400);
  EXPECT_EQ(put("set-log", R"({"binary":"cinder-volume"})"), 400);
  EXPECT_EQ(ask("member", "PUT", "/v3/os-services/set-log", R"({"level":"debug"})").status, 403);
  EXPECT_EQ(ask("admin", "PUT", "/v3/os-services/set-log", R"({"level":"debug"})", 31).status, 404);
}

TEST_F(ServicesOf, zones_are_available_while_something_in_them_is_enabled) {
  EXPECT_EQ(put("disable", R"({"host":"two@b","binary":"cinder-volume"})"), 200);
  const json::Value zones = ask("member", "GET", "/v3/os-availability-zone").body["availabilityZoneInfo"];
  ASSERT_EQ(zones.array().size(), 2u);
  EXPECT_EQ(zones.array()[0].text_or("zoneName"), "far");
  EXPECT_FALSE(zones.array()[0]["zoneState"].flag_or("available", true));
  EXPECT_TRUE(zones.array()[1]["zoneState"].flag_or("available"));
}

TEST_F(ServicesOf, hosts_count_what_lies_on_them_by_project) {
  volume("v1", "t0", "p1"), volume("v2", "t0", "p2");
  write("UPDATE volume SET backend = 'one@a', pool = 'x', size_gib = 3");
  const json::Value host = ask("admin", "GET", "/v3/os-hosts/one@a").body["host"];
  ASSERT_EQ(host.array().size(), 3u);
  EXPECT_EQ(host.array()[0]["resource"].text_or("project"), "(total)");
  EXPECT_EQ(host.array()[0]["resource"].text_or("volume_count"), "2");
  EXPECT_EQ(host.array()[1]["resource"].text_or("total_volume_gb"), "3");
  EXPECT_EQ(ask("admin", "GET", "/v3/os-hosts/nobody@a").status, 404);
  EXPECT_EQ(ask("admin", "GET", "/v3/os-hosts").body["hosts"].array().size(), 3u);
  EXPECT_EQ(ask("member", "GET", "/v3/os-hosts").status, 403);
}

TEST_F(ServicesOf, hosts_are_switched_as_a_whole) {
  EXPECT_EQ(ask("admin", "PUT", "/v3/os-hosts/one@a", R"({"status":"disable"})").body.text_or("status"), "disabled");
  EXPECT_EQ(row("one@a").text_or("status"), "disabled");
  EXPECT_EQ(ask("admin", "PUT", "/v3/os-hosts/nobody", R"({"status":"disable"})").status, 404);
  EXPECT_EQ(ask("admin", "PUT", "/v3/os-hosts/one@a", R"({"status":"paint"})").status, 400);
  EXPECT_EQ(ask("admin", "PUT", "/v3/os-hosts", R"({"status":"disable"})").status, 400);
}

}  // namespace
}  // namespace scoria::api
