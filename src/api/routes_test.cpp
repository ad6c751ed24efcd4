#include "api/routes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

namespace scoria::api {
namespace {

constexpr std::string_view a_project = "6f519a48-ab9a-4c3b-9d38-8d2c9e1e1f00";

const Route* found(const Routes& routes, std::string_view method, std::string_view path) {
  const std::optional<Match> match = routes.find(method, path);
  return match ? match->endpoint->routes.front() : nullptr;
}

/// A path that the route must be found under: captures filled with something that looks like nothing else.
std::string sample(std::string_view path, std::string_view before_rest) {
  std::string out;
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] != '{') {
      out += path[at];
      continue;
    }
    out += "zz-sample";
    at = path.find('}', at);
  }
  if (!before_rest.empty() && out.starts_with("/v3/")) out.insert(3, std::string("/").append(before_rest));
  return out;
}

TEST(Routes, every_call_of_our_own_stands_in_its_reference) {
  std::ifstream file("docs/reference/scoria-api.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(page.empty());
  for (const Route& route : route_table()) {
    std::string path = route.path;
    if (!path.starts_with("/scoria")) continue;
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) path.replace(at, path.find('}', at) - at + 1, "{id}");
    EXPECT_NE(page.find(fmt::format("| `{} {}` |", route.method, path)), std::string::npos) << route.method << " " << path;
  }
}

TEST(Routes, the_table_has_every_call_of_the_block_storage_api) {
  int cinder = 0;
  int actions = 0;
  for (const Route& route : route_table()) {
    if (std::string_view(route.path).starts_with("/scoria") || std::string_view(route.path) == "/image") continue;
    ++cinder;
    if (*route.action != '\0') ++actions;
  }
  EXPECT_EQ(cinder, 210);
  EXPECT_EQ(actions, 42);
}

TEST(Routes, every_route_is_found_with_and_without_project_and_json_suffix) {
  const Routes routes;
  for (const Route& route : route_table()) {
    for (const std::string& path : {sample(route.path, ""), sample(route.path, a_project), sample(route.path, "") + ".json"}) {
      if (path == "/.json") continue;
      const std::optional<Match> match = routes.find(route.method, path);
      ASSERT_TRUE(match) << route.method << ' ' << path;
      const Route* answered = *route.action == '\0' ? match->endpoint->routes.front() : match->endpoint->action(route.action);
      EXPECT_EQ(answered, &route) << route.method << ' ' << path;
    }
  }
}

TEST(Routes, a_project_id_is_told_apart_from_a_resource) {
  const Routes routes;
  const std::optional<Match> with = routes.find("GET", "/v3/abc123/volumes/abc124");
  ASSERT_TRUE(with);
  EXPECT_EQ(with->project_id, "abc123");
  ASSERT_EQ(with->captures.size(), 1U);
  EXPECT_EQ(with->captures[0].first, "volume_id");
  EXPECT_EQ(with->captures[0].second, "abc124");
  const std::optional<Match> without = routes.find("GET", "/v3/volumes/abc124");
  ASSERT_TRUE(without);
  EXPECT_EQ(without->project_id, "");
}

TEST(Routes, two_captures_keep_their_own_names) {
  const Routes routes;
  const std::optional<Match> match = routes.find("DELETE", "/v3/types/t1/encryption/e1");
  ASSERT_TRUE(match);
  ASSERT_EQ(match->captures.size(), 2U);
  EXPECT_EQ(match->captures[1].first, "encryption_id");
  EXPECT_EQ(match->captures[1].second, "e1");
}

TEST(Routes, a_literal_wins_over_a_capture_but_only_for_its_methods) {
  const Routes routes;
  EXPECT_STREQ(found(routes, "GET", "/v3/volumes/detail")->handler, "volumes.detail");
  EXPECT_STREQ(found(routes, "PUT", "/v3/volumes/detail")->handler, "volumes.update");
  EXPECT_STREQ(found(routes, "POST", "/v3/groups/action")->action, "create-from-src");
}

TEST(Routes, unknown_paths_and_methods_find_nobody) {
  const Routes routes;
  for (const char* path : {"/v2", "/v3/nothing", "/v3/volumes/a/b", "/v3/XYZ/volumes", "/v3//volumes", "/v3/abc", "/healthcheck/x", "volumes", ""}) {
    EXPECT_EQ(found(routes, "GET", path), nullptr) << path;
  }
  EXPECT_EQ(found(routes, "PATCH", "/v3/volumes"), nullptr);
  EXPECT_EQ(found(routes, "DELETE", "/v3/volumes"), nullptr);
}

TEST(Routes, the_root_and_v3_answer_with_or_without_slash) {
  const Routes routes;
  EXPECT_STREQ(found(routes, "GET", "/")->handler, "versions.list");
  EXPECT_STREQ(found(routes, "GET", "/v3")->handler, "versions.show");
  EXPECT_STREQ(found(routes, "GET", "/v3/")->handler, "versions.show");
}

TEST(Routes, every_rule_is_asked_somewhere_and_every_capture_has_a_name) {
  for (const Route& route : route_table()) {
    EXPECT_EQ(*route.rule == '\0', route.check == Check::none) << route.path;
    EXPECT_NE(*route.handler, '\0') << route.path;
    EXPECT_GE(route.since, 0);
    EXPECT_LE(route.since, 71);
  }
}

TEST(ProjectPattern, one_set_of_characters_is_understood) {
  const ProjectPattern shipped = ProjectPattern::parse("[0-9a-f\\-]+").value();
  EXPECT_TRUE(shipped.matches("6f519a48-ab"));
  EXPECT_FALSE(shipped.matches("volumes"));
  EXPECT_FALSE(shipped.matches(""));
  const ProjectPattern wide = ProjectPattern::parse("[a-zA-Z0-9_-]+").value();
  EXPECT_TRUE(wide.matches("My_Project-1"));
  EXPECT_FALSE(wide.matches("a.b"));
}

TEST(ProjectPattern, a_project_of_any_letters_does_not_hide_resources) {
  const Routes routes(ProjectPattern::parse("[a-z0-9\\-]+").value());
  EXPECT_EQ(routes.find("GET", "/v3/volumes/detail")->project_id, "");
  EXPECT_EQ(routes.find("GET", "/v3/demo/volumes/detail")->project_id, "demo");
}

TEST(ProjectPattern, anything_richer_is_refused) {
  for (const char* text : {"", ".*", "[0-9]{32}", "[^/]+", "[a-f]+|x", "[z-a]+", "(a|b)+", "[]+"}) {
    EXPECT_FALSE(ProjectPattern::parse(text)) << text;
  }
}

}  // namespace
}  // namespace scoria::api
