#include "api/testing.h"
#include "api/types/handlers.h"

namespace scoria::api {
namespace {

class Types : public testing::Api {
 protected:
  Types() { mount_types(handlers_, services_); }

  std::string create(const std::string& name, const std::string& more = {}) {
    const auto reply = ask("admin", "POST", "/v3/types", R"({"volume_type":{"name":")" + name + "\"" + more + "}}");
    EXPECT_EQ(reply.status, 200) << reply.message();
    return reply.body["volume_type"].text_or("id");
  }

  std::vector<std::string> names(const std::string& token, const std::string& query = {}, int version = 71) {
    const auto reply = ask(token, "GET", "/v3/types" + query, {}, version);
    EXPECT_EQ(reply.status, 200) << reply.message();
    std::vector<std::string> out;
    for (const json::Value& type : reply.body["volume_types"].array()) out.push_back(type.text_or("name"));
    return out;
  }
};

using Names = std::vector<std::string>;

TEST_F(Types, a_type_is_made_shown_renamed_and_deleted) {
  const std::string id = create("fast", R"(,"description":"d","extra_specs":{"a":"b"})");
  const auto shown = ask("admin", "GET", "/v3/types/" + id);
  const json::Value& type = shown.body["volume_type"];
  EXPECT_EQ(type.text_or("name"), "fast");
  EXPECT_EQ(type["extra_specs"].text_or("a"), "b");
  EXPECT_NE(type.find("qos_specs_id"), nullptr);
  EXPECT_TRUE(type.flag_or("os-volume-type-access:is_public"));
  const auto renamed = ask("admin", "PUT", "/v3/types/" + id, R"({"volume_type":{"name":"faster"}})");
  EXPECT_EQ(renamed.body["volume_type"].text_or("name"), "faster");
  EXPECT_EQ(renamed.body["volume_type"].find("qos_specs_id"), nullptr);
  EXPECT_EQ(ask("admin", "DELETE", "/v3/types/" + id).status, 202);
  EXPECT_EQ(ask("admin", "GET", "/v3/types/" + id).status, 404);
}

TEST_F(Types, only_admins_change_types) {
  const std::string id = create("fast");
  EXPECT_EQ(ask("member", "POST", "/v3/types", R"({"volume_type":{"name":"x"}})").status, 403);
  EXPECT_EQ(ask("member", "PUT", "/v3/types/" + id, R"({"volume_type":{"name":"x"}})").status, 403);
  EXPECT_EQ(ask("member", "DELETE", "/v3/types/" + id).status, 403);
  EXPECT_EQ(ask("member", "POST", "/v3/types/" + id + "/extra_specs", R"({"extra_specs":{"a":"b"}})").status, 403);
}

TEST_F(Types, a_taken_name_is_a_conflict) {
  create("fast");
  EXPECT_EQ(ask("admin", "POST", "/v3/types", R"({"volume_type":{"name":"fast"}})").status, 409);
  const std::string other = create("slow");
  EXPECT_EQ(ask("admin", "PUT", "/v3/types/" + other, R"({"volume_type":{"name":"fast"}})").status, 409);
}

TEST_F(Types, an_update_names_something_that_is_not_blank) {
  const std::string id = create("fast");
  EXPECT_EQ(ask("admin", "PUT", "/v3/types/" + id, R"({"volume_type":{}})").status, 400);
  EXPECT_EQ(ask("admin", "PUT", "/v3/types/" + id, R"({"volume_type":{"name":"  "}})").status, 400);
  EXPECT_EQ(ask("admin", "PUT", "/v3/types/nothing", R"({"volume_type":{"name":"x"}})").status, 404);
}

TEST_F(Types, a_type_in_use_and_a_default_type_stay) {
  const std::string id = create("fast");
  volume("v1", id);
  const auto refused = ask("admin", "DELETE", "/v3/types/" + id);
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.message().find("still in use"), std::string::npos);
  EXPECT_EQ(ask("admin", "DELETE", "/v3/types/t0").status, 400);
  const std::string own = create("own");
  EXPECT_EQ(ask("admin", "PUT", "/v3/default-types/p9", R"({"default_type":{"volume_type":"own"}})").status, 200);
  EXPECT_EQ(ask("admin", "DELETE", "/v3/types/" + own).status, 400);
  EXPECT_EQ(number("SELECT COUNT(*) FROM volume_type"), 3);
}

TEST_F(Types, deleting_a_type_takes_its_access_and_limits_with_it) {
  const std::string id = create("fast", R"(,"os-volume-type-access:is_public":false)");
  EXPECT_EQ(ask("admin", "POST", "/v3/types/" + id + "/action", R"({"addProjectAccess":{"project":"p9"}})").status, 202);
  write("INSERT INTO quota_limit (project_id, scope, resource, value) VALUES ('p9', ?, 'volumes', 3)", {id});
  EXPECT_EQ(ask("admin", "DELETE", "/v3/types/" + id).status, 202);
  EXPECT_EQ(number("SELECT (SELECT COUNT(*) FROM volume_type_access) + (SELECT COUNT(*) FROM quota_limit)"), 0);
}

TEST_F(Types, private_types_are_seen_by_projects_with_access) {
  const std::string id = create("secret", R"(,"os-volume-type-access:is_public":false)");
  EXPECT_EQ(ask("member@p9", "GET", "/v3/types/" + id).status, 404);
  EXPECT_EQ(names("member@p9"), Names({"__DEFAULT__"}));
  EXPECT_EQ(ask("admin", "POST", "/v3/types/" + id + "/action", R"({"addProjectAccess":{"project":"p9"}})").status, 202);
  EXPECT_EQ(ask("member@p9", "GET", "/v3/types/" + id).status, 200);
  EXPECT_EQ(names("member@p9"), Names({"secret", "__DEFAULT__"}));
  EXPECT_EQ(names("admin"), Names({"__DEFAULT__"}));
  EXPECT_EQ(names("admin", "?is_public=None"), Names({"secret", "__DEFAULT__"}));
  EXPECT_EQ(names("admin", "?is_public=false"), Names({"secret"}));
  EXPECT_EQ(names("member@p8", "?is_public=None"), Names({"__DEFAULT__"}));
  EXPECT_EQ(ask("admin", "GET", "/v3/types?is_public=perhaps").status, 400);
  const auto listed = ask("admin", "GET", "/v3/types/" + id + "/os-volume-type-access");
  EXPECT_EQ(listed.body["volume_type_access"].array().at(0).text_or("project_id"), "p9");
  EXPECT_EQ(ask("admin", "POST", "/v3/types/" + id + "/action", R"({"removeProjectAccess":{"project":"p9"}})").status, 202);
  EXPECT_EQ(ask("member@p9", "GET", "/v3/types/" + id).status, 404);
}

TEST_F(Types, access_is_refused_twice_for_nobody_and_for_public_types) {
  const std::string id = create("secret", R"(,"os-volume-type-access:is_public":false)");
  const std::string path = "/v3/types/" + id + "/action";
  EXPECT_EQ(ask("admin", "POST", path, R"({"removeProjectAccess":{"project":"p9"}})").status, 404);
  EXPECT_EQ(ask("admin", "POST", path, R"({"addProjectAccess":{"project":"p9"}})").status, 202);
  EXPECT_EQ(ask("admin", "POST", path, R"({"addProjectAccess":{"project":"p9"}})").status, 409);
  EXPECT_EQ(ask("admin", "POST", "/v3/types/t0/action", R"({"addProjectAccess":{"project":"p9"}})").status, 400);
  EXPECT_EQ(ask("admin", "GET", "/v3/types/t0/os-volume-type-access").status, 404);
  EXPECT_EQ(ask("member", "POST", path, R"({"addProjectAccess":{"project":"p9"}})").status, 403);
}

TEST_F(Types, extra_specs_are_set_shown_and_removed) {
  const std::string path = "/v3/types/" + create("fast") + "/extra_specs";
  EXPECT_EQ(ask("admin", "POST", path, R"({"extra_specs":{"a":"1","multiattach":"<is> True"}})").body["extra_specs"].text_or("a"), "1");
  EXPECT_EQ(ask("admin", "PUT", path + "/a", R"({"a":"2"})").body.text_or("a"), "2");
  EXPECT_EQ(ask("admin", "GET", path + "/a").body.text_or("a"), "2");
  EXPECT_EQ(ask("admin", "GET", path).body["extra_specs"].object().size(), 2u);
  EXPECT_EQ(ask("admin", "DELETE", path + "/a").status, 202);
  EXPECT_EQ(ask("admin", "DELETE", path + "/a").status, 404);
  EXPECT_EQ(ask("admin", "GET", path + "/a").status, 404);
}

TEST_F(Types, callers_without_the_sensitive_rule_see_three_keys) {
  const std::string id = create("fast", R"(,"extra_specs":{"a":"1","multiattach":"<is> True"})");
  const auto shown = ask("member", "GET", "/v3/types/" + id);
  EXPECT_EQ(shown.body["volume_type"]["extra_specs"].object().size(), 1u);
  EXPECT_EQ(shown.body["volume_type"].find("qos_specs_id"), nullptr);
  EXPECT_EQ(ask("member", "GET", "/v3/types/" + id + "/extra_specs").body["extra_specs"].object().size(), 1u);
  EXPECT_EQ(ask("member", "GET", "/v3/types/" + id + "/extra_specs/a").status, 404);
  EXPECT_EQ(ask("member", "GET", "/v3/types/" + id + "/extra_specs/multiattach").status, 200);
}

TEST_F(Types, lists_are_filtered_by_extra_specs_that_the_caller_sees) {
  create("fast", R"(,"extra_specs":{"a":"1"})");
  create("shared", R"(,"extra_specs":{"multiattach":"<is> True"})");
  EXPECT_EQ(names("admin", "?extra_specs={'a':'1'}"), Names({"fast"}));
  EXPECT_EQ(names("member", "?extra_specs={'a':'1'}"), Names({}));
  EXPECT_EQ(names("member", "?extra_specs={'multiattach':'<is> True'}"), Names({"shared"}));
  EXPECT_EQ(names("admin", "?extra_specs={'a':'1'}", 30).size(), 3u);
}

TEST_F(Types, extra_specs_of_a_type_in_use_do_not_change) {
  const std::string id = create("fast", R"(,"extra_specs":{"a":"1"})");
  volume("v1", id);
  const std::string path = "/v3/types/" + id + "/extra_specs";
  EXPECT_EQ(ask("admin", "POST", path, R"({"extra_specs":{"b":"1"}})").status, 400);
  EXPECT_EQ(ask("admin", "PUT", path + "/a", R"({"a":"2"})").status, 400);
  EXPECT_EQ(ask("admin", "DELETE", path + "/a").status, 400);
  EXPECT_EQ(ask("admin", "GET", path).body["extra_specs"].text_or("a"), "1");
}

TEST_F(Types, wrong_extra_specs_are_refused) {
  const std::string path = "/v3/types/" + create("fast") + "/extra_specs";
  EXPECT_EQ(ask("admin", "PUT", path + "/a", R"({"b":"2"})").status, 400);
  EXPECT_EQ(ask("admin", "PUT", path + "/a", R"({"a":"2","b":"2"})").status, 400);
  EXPECT_EQ(ask("admin", "POST", path, R"({"extra_specs":{"RESKEY:availability_zones":"a,,b"}})").status, 400);
  EXPECT_EQ(ask("admin", "POST", path, R"({"extra_specs":{"provisioning:min_vol_size":"many"}})").status, 400);
  EXPECT_EQ(ask("admin", "POST", path, R"({"extra_specs":{"provisioning:min_vol_size":"9","provisioning:max_vol_size":"8"}})").status, 400);
  EXPECT_EQ(ask("admin", "POST", path, R"({"extra_specs":{"cacheable":"<is> True","multiattach":"<is> True"}})").status, 400);
  EXPECT_EQ(ask("admin", "POST", "/v3/types/nothing/extra_specs", R"({"extra_specs":{"a":"b"}})").status, 404);
  EXPECT_TRUE(ask("admin", "GET", path).body["extra_specs"].object().empty());
}

TEST_F(Types, the_default_type_is_the_projects_else_the_configured_one) {
  const std::string id = create("fast");
  EXPECT_EQ(ask("member@p9", "GET", "/v3/types/default").body["volume_type"].text_or("name"), "__DEFAULT__");
  EXPECT_EQ(ask("admin", "GET", "/v3/default-types/p9").status, 404);
  EXPECT_EQ(ask("admin", "PUT", "/v3/default-types/p9", R"({"default_type":{"volume_type":"fast"}})").body["default_type"].text_or("volume_type_id"), id);
  EXPECT_EQ(ask("member@p9", "GET", "/v3/types/default").body["volume_type"].text_or("name"), "fast");
  EXPECT_EQ(ask("admin", "GET", "/v3/default-types").body["default_types"].array().size(), 1u);
  EXPECT_EQ(ask("admin", "DELETE", "/v3/default-types/p9").status, 204);
  EXPECT_EQ(ask("member@p9", "GET", "/v3/types/default").body["volume_type"].text_or("name"), "__DEFAULT__");
}

TEST_F(Types, default_types_are_for_admins_and_usable_types) {
  create("secret", R"(,"os-volume-type-access:is_public":false)");
  EXPECT_EQ(ask("admin", "PUT", "/v3/default-types/p9", R"({"default_type":{"volume_type":"nothing"}})").status, 400);
  EXPECT_EQ(ask("admin", "PUT", "/v3/default-types/p9", R"({"default_type":{"volume_type":"secret"}})").status, 400);
  EXPECT_EQ(ask("member@p9", "PUT", "/v3/default-types/p9", R"({"default_type":{"volume_type":"__DEFAULT__"}})").status, 403);
  EXPECT_EQ(ask("admin", "GET", "/v3/default-types", {}, 61).status, 404);
}

TEST_F(Types, a_page_ends_with_a_link_to_the_next) {
  create("a"), create("b");
  const auto page = ask("admin", "GET", "/v3/types?sort=name:asc&limit=2");
  EXPECT_EQ(page.body["volume_types"].array().size(), 2u);
  EXPECT_TRUE(page.body["volume_type_links"].is_array());
  const std::string marker = page.body["volume_types"].array().back().text_or("id");
  EXPECT_EQ(names("admin", "?sort=name:asc&limit=2&marker=" + marker), Names({"b"}));
}

TEST_F(Types, an_idempotency_key_makes_one_type_of_two_requests) {
  also_ = {{"Idempotency-Key", "k1"}};
  const auto first = ask("admin", "POST", "/v3/types", R"({"volume_type":{"name":"once"}})");
  const auto again = ask("admin", "POST", "/v3/types", R"({"volume_type":{"name":"once"}})");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(again.status, 200) << again.message();
  EXPECT_EQ(first.body["volume_type"].text_or("id"), again.body["volume_type"].text_or("id"));
  const auto other = ask("admin", "POST", "/v3/types", R"({"volume_type":{"name":"twice"}})");
  EXPECT_EQ(other.status, 409);
  EXPECT_NE(other.message().find("Idempotency-Key"), std::string::npos);
  EXPECT_EQ(number("SELECT count(*) FROM volume_type"), 2);
  also_ = {{"Idempotency-Key", std::string(256, 'k')}};
  EXPECT_EQ(ask("admin", "POST", "/v3/types", R"({"volume_type":{"name":"long"}})").status, 400);
}

}  // namespace
}  // namespace scoria::api
