#include "api/discovery.h"

#include <gtest/gtest.h>

#include "json/parse.h"

namespace scoria::api {
namespace {

struct Discovery : ::testing::Test {
  Handlers handlers;
  ResourceFilters filters;
  http::Request sent;

  Discovery() { mount_discovery(handlers, filters); }

  Answer ask(std::string_view name, std::vector<std::pair<std::string_view, std::string>> captures = {}) {
    ApiRequest request(sent, nullptr);
    request.version = newest;
    for (const Route& route : route_table()) {
      if (route.handler == name) request.route = &route;
    }
    request.captures = std::move(captures);
    return (*handlers.find(name))(request);
  }
  json::Value body(std::string_view name, std::vector<std::pair<std::string_view, std::string>> captures = {}) {
    return json::parse(std::get<http::Response>(ask(name, std::move(captures)).value).body).value();
  }
};

TEST_F(Discovery, all_32_extensions_are_listed) {
  const json::Value listed = body("extensions.list");
  EXPECT_EQ(listed["extensions"].array().size(), 32U);
  for (const json::Value& extension : listed["extensions"].array()) {
    EXPECT_EQ(body("extensions.show", {{"alias", extension["alias"].string()}})["extension"]["name"].string(), extension["name"].string());
  }
}

TEST_F(Discovery, an_unknown_extension_is_not_found) {
  EXPECT_EQ(std::get<Refusal>(ask("extensions.show", {{"alias", "os-nothing"}}).value).code, RefusalCode::not_found);
}

TEST_F(Discovery, filters_are_shown_for_all_resources_or_one) {
  EXPECT_EQ(body("resource_filters.list")["resource_filters"].array().size(), 9U);
  sent.query = {{"resource", "backup"}};
  const json::Value backup = body("resource_filters.list")["resource_filters"].array().at(0);
  EXPECT_EQ(backup["resource"].string(), "backup");
  EXPECT_EQ(backup["filters"].array().size(), 3U);
  sent.query = {{"resource", "nothing"}};
  EXPECT_TRUE(body("resource_filters.list")["resource_filters"].array().empty());
}

}  // namespace
}  // namespace scoria::api
