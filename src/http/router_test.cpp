#include "http/router.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace scoria::http {
namespace {

Router cinders() {
  Router router;
  router.restrict("project_id", [](std::string_view text) { return text.find_first_not_of("0123456789abcdef-") == std::string_view::npos; });
  router.add("GET", "/", 0);
  router.add("GET", "/v3/", 1);
  router.add("GET", "/v3/{project_id?}/volumes", 2);
  router.add("POST", "/v3/{project_id?}/volumes", 3);
  router.add("GET", "/v3/{project_id?}/volumes/detail", 4);
  router.add("GET", "/v3/{project_id?}/volumes/{volume_id}", 5);
  router.add("PUT", "/v3/{project_id?}/volumes/{volume_id}", 6);
  router.add("PUT", "/v3/{project_id?}/volumes/{id}/metadata/{key}", 7);
  router.add("GET", "/v3/{project_id?}/os-quota-sets/{target}/defaults", 8);
  return router;
}

TEST(Router, the_handler_of_method_and_path_is_found) {
  const Router router = cinders();
  EXPECT_EQ(router.match("GET", "/").handler, 0);
  EXPECT_EQ(router.match("GET", "/v3/volumes").handler, 2);
  EXPECT_EQ(router.match("POST", "/v3/volumes").handler, 3);
  EXPECT_EQ(router.match("GET", "/v3/volumes/detail").handler, 4);
  const Router::Match match = router.match("PUT", "/v3/volumes/v1/metadata/colour");
  EXPECT_EQ(match.handler, 7);
  EXPECT_EQ(match["id"], "v1");
  EXPECT_EQ(match["key"], "colour");
  EXPECT_EQ(match["project_id"], "");
}

TEST(Router, an_optional_capture_may_be_absent) {
  const Router router = cinders();
  const Router::Match match = router.match("GET", "/v3/0af-12/volumes/77");
  EXPECT_EQ(match.handler, 5);
  EXPECT_EQ(match["project_id"], "0af-12");
  EXPECT_EQ(match["volume_id"], "77");
  EXPECT_EQ(router.match("GET", "/v3/volumes/77").handler, 5);
}

TEST(Router, a_restricted_capture_takes_only_what_it_may) {
  const Router router = cinders();
  EXPECT_EQ(router.match("GET", "/v3/Project/volumes").outcome, Router::Outcome::unknown_path);
  EXPECT_EQ(router.match("GET", "/v3/beef/volumes").outcome, Router::Outcome::found);
}

TEST(Router, a_literal_is_preferred_until_it_does_not_know_the_method) {
  const Router router = cinders();
  const Router::Match match = router.match("PUT", "/v3/volumes/detail");
  EXPECT_EQ(match.handler, 6);
  EXPECT_EQ(match["volume_id"], "detail");
}

TEST(Router, a_wrong_method_is_told_apart_from_an_unknown_path) {
  const Router router = cinders();
  const Router::Match match = router.match("DELETE", "/v3/volumes");
  EXPECT_EQ(match.outcome, Router::Outcome::wrong_method);
  EXPECT_EQ(match.handler, -1);
  EXPECT_EQ(match.allowed, (std::vector<std::string_view>{"GET", "POST"}));
  EXPECT_TRUE(match.captures.empty());
  for (const char* path : {"/v4", "/v3/volumes/a/b", "/v3/nothing", "//", "/v3//volumes", "", "*", "/v3/volumes//metadata/k"}) {
    EXPECT_EQ(router.match("GET", path).outcome, Router::Outcome::unknown_path) << path;
  }
}

TEST(Router, a_trailing_slash_or_json_is_taken_off) {
  const Router router = cinders();
  EXPECT_EQ(router.match("GET", "/v3").handler, 1);
  EXPECT_EQ(router.match("GET", "/v3/").handler, 1);
  EXPECT_EQ(router.match("GET", "/v3/volumes.json").handler, 2);
  EXPECT_EQ(router.match("GET", "/v3/volumes/").handler, 2);
  EXPECT_EQ(router.match("GET", "/v3/volumes/detail.json").handler, 4);
  EXPECT_EQ(router.match("GET", "/v3/volumes/77.json")["volume_id"], "77");
  EXPECT_EQ(router.match("PUT", "/v3/volumes/v/metadata/a%2Fb").handler, 7);
}

TEST(RouterDeathTest, two_handlers_of_one_route_are_a_bug) {
  Router router = cinders();
  EXPECT_DEATH(router.add("GET", "/v3/{project_id?}/volumes/{other}", 9), "two routes");
}

}  // namespace
}  // namespace scoria::http
