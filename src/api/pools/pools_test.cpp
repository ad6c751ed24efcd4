#include "api/pools/handlers.h"
#include "api/testing.h"

namespace scoria::api {
namespace {

class Pools : public testing::Api {
 protected:
  Pools() {
    mount_pools(handlers_, services_);
    write("INSERT INTO backend (name, zone, created_at) VALUES ('one@a', 'nova', 1)");
    pool("gold", R"({"version":1,"thin":true,"multiattach":true,"storage_protocol":"iSCSI","extra":{"tier":"gold"}})");
    pool("lead", R"({"version":1,"thin":true,"multiattach":false,"storage_protocol":"NBD","extra":{}})");
  }
  void pool(const std::string& name, const std::string& report) {
    write("INSERT INTO pool (backend, name, total_bytes, free_bytes, limit_bytes, unit_bytes, minimum_bytes, report, reported_at) "
          "VALUES ('one@a', ?, 107374182400, 53687091200, 107374182400, 1, 1, ?, 1)",
          {name, report});
  }
  std::vector<std::string> names(const std::string& query, int version = 71) {
    std::vector<std::string> out;
    const auto reply = ask("admin", "GET", "/v3/scheduler-stats/get_pools" + query, {}, version);
    EXPECT_EQ(reply.status, 200) << reply.message();
    for (const json::Value& one : reply.body["pools"].array()) out.push_back(one.text_or("name"));
    return out;
  }
};

using Names = std::vector<std::string>;

TEST_F(Pools, detail_shows_capabilities) {
  EXPECT_EQ(names(""), Names({"one@a#gold", "one@a#lead"}));
  const json::Value plain = ask("admin", "GET", "/v3/scheduler-stats/get_pools").body["pools"].array().at(0);
  EXPECT_EQ(plain.find("capabilities"), nullptr);
  const json::Value shown = ask("admin", "GET", "/v3/scheduler-stats/get_pools?detail=true").body["pools"].array().at(0)["capabilities"];
  EXPECT_EQ(shown.integer_or("total_capacity_gb"), 100);
  EXPECT_EQ(shown.integer_or("free_capacity_gb"), 50);
  EXPECT_EQ(shown.text_or("storage_protocol"), "iSCSI");
  EXPECT_EQ(shown.text_or("volume_backend_name"), "a");
  EXPECT_EQ(ask("member", "GET", "/v3/scheduler-stats/get_pools").status, 403);
}

TEST_F(Pools, filters_work_from_3_28_and_are_the_operators_from_3_31) {
  EXPECT_EQ(names("?name=one@a#lead", 27).size(), 2u);
  EXPECT_EQ(names("?name=one@a#lead", 28), Names({"one@a#lead"}));
  EXPECT_EQ(names("?tier=gold", 30), Names({"one@a#gold"}));
  EXPECT_EQ(ask("admin", "GET", "/v3/scheduler-stats/get_pools?tier=gold", {}, 31).status, 400);
}

TEST_F(Pools, a_type_keeps_the_pools_that_can_serve_it_from_3_35) {
  write("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t1', 'golden', 1, '{\"tier\":\"gold\"}', 2)");
  EXPECT_EQ(names("?volume_type=golden"), Names({"one@a#gold"}));
  EXPECT_EQ(names("?volume_type=golden", 34).size(), 2u);
  EXPECT_EQ(names("?volume_type=__DEFAULT__").size(), 2u);
  EXPECT_EQ(ask("admin", "GET", "/v3/scheduler-stats/get_pools?volume_type=nothing").status, 404);
}

TEST_F(Pools, capabilities_are_those_of_a_known_backend) {
  const auto shown = ask("admin", "GET", "/v3/capabilities/one@a").body;
  EXPECT_EQ(shown.text_or("namespace"), "OS::Storage::Capabilities::one@a");
  EXPECT_EQ(shown.text_or("pool_name"), "gold");
  EXPECT_NE(shown["properties"].find("thin_provisioning"), nullptr);
  EXPECT_EQ(ask("admin", "GET", "/v3/capabilities/nobody").status, 404);
  EXPECT_EQ(ask("member", "GET", "/v3/capabilities/one@a").status, 403);
}

}  // namespace
}  // namespace scoria::api
