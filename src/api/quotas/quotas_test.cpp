#include "api/quotas/handlers.h"
#include "api/testing.h"

namespace scoria::api {
namespace {

using testing::Reply;

class Quotas : public testing::Api {
 protected:
  Quotas() { mount_quotas(handlers_, services_); }

  json::Value set(const std::string& token, const std::string& query = {}) { return ask(token, "GET", "/v3/os-quota-sets/aaaa1111" + query).body["quota_set"]; }
  Reply put(const std::string& body) { return ask("admin", "PUT", "/v3/os-quota-sets/aaaa1111", R"({"quota_set":)" + body + "}"); }

  void use(std::int64_t volumes, std::int64_t gigabytes, const std::string& scope) {
    write("INSERT INTO quota_usage (project_id, scope, volumes, gigabytes) VALUES ('aaaa1111', ?, ?, ?)", {scope, volumes, gigabytes});
  }
};

TEST_F(Quotas, a_set_has_every_resource_and_three_keys_per_type) {
  write("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t1', 'sehr schnell', 0, '{}', 2)");
  const json::Value shown = set("member");
  EXPECT_EQ(shown.text_or("id"), "aaaa1111");
  EXPECT_EQ(shown.integer_or("volumes"), 10);
  EXPECT_EQ(shown.integer_or("per_volume_gigabytes"), -1);
  EXPECT_EQ(shown.integer_or("gigabytes___DEFAULT__"), -1);
  EXPECT_NE(shown.find("snapshots_sehr schnell"), nullptr);
  EXPECT_EQ(shown.object().size(), 1u + 7u + 6u);
}

TEST_F(Quotas, usage_is_told_per_key) {
  use(3, 30, ""), use(2, 20, "t0");
  const json::Value shown = set("member", "?usage=True");
  EXPECT_EQ(shown["volumes"].integer_or("in_use"), 3);
  EXPECT_EQ(shown["volumes"].integer_or("limit"), 10);
  EXPECT_EQ(shown["gigabytes___DEFAULT__"].integer_or("in_use"), 20);
  EXPECT_EQ(shown["gigabytes___DEFAULT__"].integer_or("reserved", 7), 0);
}

TEST_F(Quotas, an_update_sets_what_it_names_until_the_set_is_deleted) {
  const Reply updated = put(R"({"volumes":5,"gigabytes___DEFAULT__":"70"})");
  EXPECT_EQ(updated.status, 200) << updated.message();
  EXPECT_EQ(updated.body["quota_set"].integer_or("volumes"), 5);
  EXPECT_EQ(updated.body["quota_set"].find("id"), nullptr);
  EXPECT_EQ(put(R"({"volumes":6})").status, 200);
  EXPECT_EQ(set("member").integer_or("volumes"), 6);
  EXPECT_EQ(set("member").integer_or("gigabytes___DEFAULT__"), 70);
  EXPECT_EQ(ask("admin", "GET", "/v3/os-quota-sets/aaaa1111/defaults").body["quota_set"].integer_or("volumes"), 10);
  EXPECT_EQ(ask("admin", "DELETE", "/v3/os-quota-sets/aaaa1111").status, 200);
  EXPECT_EQ(set("member").integer_or("volumes"), 10);
  EXPECT_EQ(set("member").integer_or("gigabytes___DEFAULT__"), -1);
}

TEST_F(Quotas, a_limit_below_use_changes_nothing) {
  use(3, 30, ""), use(2, 20, "t0");
  const Reply refused = put(R"({"snapshots":1,"volumes":2})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.message().find("3 are used"), std::string::npos);
  EXPECT_EQ(put(R"({"gigabytes___DEFAULT__":19})").status, 400);
  EXPECT_EQ(number("SELECT COUNT(*) FROM quota_limit"), 0);
  EXPECT_EQ(put(R"({"volumes":-1})").status, 200);
  EXPECT_EQ(put(R"({"volumes":3})").status, 200);
}

TEST_F(Quotas, unknown_keys_and_wrong_numbers_are_refused) {
  EXPECT_EQ(put(R"({"volumes_nothing":1})").status, 400);
  EXPECT_EQ(put(R"({"volumes":-2})").status, 400);
  EXPECT_EQ(put(R"({"volumes":"many"})").status, 400);
  EXPECT_EQ(put("{}").status, 400);
  EXPECT_EQ(ask("admin", "PUT", "/v3/os-quota-class-sets/default", R"({"quota_class_set":{"nothing":1}})").status, 400);
}

TEST_F(Quotas, members_read_their_own_and_change_nothing) {
  EXPECT_EQ(ask("reader", "GET", "/v3/os-quota-sets/aaaa1111").status, 200);
  EXPECT_EQ(ask("member", "GET", "/v3/os-quota-sets/bbbb2222").status, 403);
  EXPECT_EQ(ask("admin", "GET", "/v3/os-quota-sets/bbbb2222").status, 200);
  EXPECT_EQ(ask("member", "PUT", "/v3/os-quota-sets/aaaa1111", R"({"quota_set":{"volumes":50}})").status, 403);
  EXPECT_EQ(ask("member", "DELETE", "/v3/os-quota-sets/aaaa1111").status, 403);
  EXPECT_EQ(ask("member", "GET", "/v3/os-quota-class-sets/default").status, 403);
}

TEST_F(Quotas, the_default_class_feeds_defaults_and_sets) {
  const auto updated = ask("admin", "PUT", "/v3/os-quota-class-sets/default", R"({"quota_class_set":{"volumes":20,"volumes___DEFAULT__":4}})");
  EXPECT_EQ(updated.body["quota_class_set"].integer_or("volumes"), 20);
  EXPECT_EQ(ask("admin", "GET", "/v3/os-quota-class-sets/default").body["quota_class_set"].text_or("id"), "default");
  EXPECT_EQ(set("member").integer_or("volumes"), 20);
  EXPECT_EQ(set("member").integer_or("volumes___DEFAULT__"), 4);
  EXPECT_EQ(ask("admin", "GET", "/v3/os-quota-sets/aaaa1111/defaults").body["quota_set"].integer_or("volumes"), 20);
  EXPECT_EQ(ask("admin", "GET", "/v3/os-quota-class-sets/other").body["quota_class_set"].integer_or("volumes"), 10);
  EXPECT_EQ(put(R"({"volumes":7})").status, 200);
  EXPECT_EQ(set("member").integer_or("volumes"), 7);
}

TEST_F(Quotas, limits_show_totals_and_use) {
  use(3, 30, "");
  const auto shown = ask("member", "GET", "/v3/limits").body["limits"];
  EXPECT_TRUE(shown["rate"].is_array());
  EXPECT_EQ(shown["absolute"].integer_or("maxTotalVolumeGigabytes"), 1000);
  EXPECT_EQ(shown["absolute"].integer_or("totalVolumesUsed"), 3);
  EXPECT_EQ(shown["absolute"].integer_or("totalGigabytesUsed"), 30);
  EXPECT_EQ(shown["absolute"].object().size(), 10u);
}

TEST_F(Quotas, admins_see_the_limits_of_other_projects_from_3_39_on) {
  use(3, 30, "");
  const auto used = [&](const std::string& token, int version) {
    return ask(token, "GET", "/v3/limits?project_id=aaaa1111", {}, version).body["limits"]["absolute"].integer_or("totalVolumesUsed");
  };
  EXPECT_EQ(used("admin@bbbb2222", 39), 3);
  EXPECT_EQ(used("admin@bbbb2222", 38), 0);
  EXPECT_EQ(used("member@bbbb2222", 39), 0);
}

}  // namespace
}  // namespace scoria::api
