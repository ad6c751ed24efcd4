#include "api/qos/handlers.h"
#include "api/testing.h"

namespace scoria::api {
namespace {

class Qos : public testing::Api {
 protected:
  Qos() { mount_qos(handlers_, services_); }
  std::string make(const std::string& name, const std::string& more = "") {
    const auto made = ask("admin", "POST", "/v3/qos-specs", R"({"qos_specs":{"name":")" + name + R"(")" + more + "}}");
    EXPECT_EQ(made.status, 200) << made.message();
    return made.body["qos_specs"].text_or("id");
  }
};

TEST_F(Qos, specs_are_made_shown_changed_and_deleted) {
  const auto made = ask("admin", "POST", "/v3/qos-specs", R"({"qos_specs":{"name":"fast","consumer":"both","total_iops_sec":"500"}})");
  ASSERT_EQ(made.status, 200) << made.message();
  EXPECT_EQ(made.body["qos_specs"].text_or("consumer"), "both");
  EXPECT_EQ(made.body["qos_specs"]["specs"].text_or("total_iops_sec"), "500");
  EXPECT_EQ(made.body["links"].array().size(), 2u);
  const std::string path = "/v3/qos-specs/" + made.body["qos_specs"].text_or("id");
  const auto updated = ask("admin", "PUT", path, R"({"qos_specs":{"read_bytes_sec":"1","total_iops_sec":"9"}})");
  EXPECT_EQ(updated.status, 200);
  EXPECT_EQ(updated.body["qos_specs"].text_or("total_iops_sec"), "9");
  EXPECT_EQ(ask("admin", "PUT", path + "/delete_keys", R"({"keys":["read_bytes_sec"]})").status, 202);
  EXPECT_EQ(ask("admin", "PUT", path + "/delete_keys", R"({"keys":["read_bytes_sec"]})").status, 404);
  const auto shown = ask("admin", "GET", path);
  EXPECT_EQ(shown.body["qos_specs"]["specs"].object().size(), 1u);
  EXPECT_EQ(ask("admin", "DELETE", path).status, 202);
  EXPECT_EQ(ask("admin", "GET", path).status, 404);
}

TEST_F(Qos, a_type_has_one_and_keeps_it_from_being_deleted) {
  const std::string one = make("one"), two = make("two");
  EXPECT_EQ(ask("admin", "GET", "/v3/qos-specs/" + one + "/associate?vol_type_id=t0").status, 202);
  EXPECT_EQ(ask("admin", "GET", "/v3/qos-specs/" + one + "/associate?vol_type_id=t0").status, 202) << "again is no change";
  EXPECT_EQ(ask("admin", "GET", "/v3/qos-specs/" + two + "/associate?vol_type_id=t0").status, 400);
  EXPECT_EQ(ask("admin", "GET", "/v3/qos-specs/" + one + "/associate?vol_type_id=none").status, 404);
  EXPECT_EQ(ask("admin", "GET", "/v3/qos-specs/" + one + "/associate").status, 400);
  const auto listed = ask("admin", "GET", "/v3/qos-specs/" + one + "/associations");
  ASSERT_EQ(listed.body["qos_associations"].array().size(), 1u);
  EXPECT_EQ(listed.body["qos_associations"].array().front().text_or("name"), "__DEFAULT__");
  EXPECT_EQ(ask("admin", "DELETE", "/v3/qos-specs/" + one).status, 400);
  EXPECT_EQ(ask("admin", "GET", "/v3/qos-specs/" + one + "/disassociate?vol_type_id=t0").status, 202);
  EXPECT_EQ(ask("admin", "GET", "/v3/qos-specs/" + two + "/associate?vol_type_id=t0").status, 202);
  EXPECT_EQ(ask("admin", "GET", "/v3/qos-specs/" + two + "/disassociate_all").status, 202);
  EXPECT_EQ(ask("admin", "GET", "/v3/qos-specs/" + one + "/associate?vol_type_id=t0").status, 202);
  EXPECT_EQ(ask("admin", "DELETE", "/v3/qos-specs/" + one + "?force=true").status, 202);
  EXPECT_EQ(number("SELECT count(*) FROM volume_type WHERE qos_specs_id IS NOT NULL"), 0);
}

TEST_F(Qos, bad_ones_are_refused) {
  make("taken");
  EXPECT_EQ(ask("admin", "POST", "/v3/qos-specs", R"({"qos_specs":{"name":"taken"}})").status, 409);
  EXPECT_EQ(ask("admin", "POST", "/v3/qos-specs", R"({"qos_specs":{"name":"x","consumer":"nobody"}})").status, 400);
  EXPECT_EQ(ask("admin", "POST", "/v3/qos-specs", R"({"qos_specs":{"name":" "}})").status, 400);
  EXPECT_EQ(ask("admin", "POST", "/v3/qos-specs", R"({"qos_specs":{"name":"x","k":{"a":1}}})").status, 400);
  EXPECT_EQ(ask("member", "POST", "/v3/qos-specs", R"({"qos_specs":{"name":"x"}})").status, 403);
  EXPECT_EQ(ask("member", "GET", "/v3/qos-specs").status, 403);
  EXPECT_EQ(number("SELECT count(*) FROM qos_specs"), 1);
}

TEST_F(Qos, lists_are_paged) {
  for (const char* name : {"a", "b", "c"}) make(name);
  const auto page = ask("admin", "GET", "/v3/qos-specs?limit=2&sort=name:asc");
  ASSERT_EQ(page.body["qos_specs"].array().size(), 2u) << page.message();
  EXPECT_NE(page.body.find("qos_specs_links"), nullptr);
  const auto rest = ask("admin", "GET", "/v3/qos-specs?limit=2&sort=name:asc&marker=" + page.body["qos_specs"].array().back().text_or("id"));
  EXPECT_EQ(rest.body["qos_specs"].array().size(), 1u);
}

}  // namespace
}  // namespace scoria::api
