#include "app/settings.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "app/options.h"
#include "app/scheduling.h"

namespace scoria::app {
namespace {

config::Config config_of(const std::string& text) {
  config::Sources sources;
  sources.texts.emplace_back("test", text);
  auto out = config::load(all_options(), sources);
  if (!out) throw std::runtime_error(out.error().message);
  return *out;
}

TEST(Settings, what_a_file_says_reaches_the_parts) {
  const config::Config config = config_of(
      "host = h\nroles = api\nosapi_volume_listen_port = 1\nquota_volumes = 7\nno_snapshot_gb_quota = yes\nosapi_max_limit = 5\nhttp_max_header = 4 KiB\n"
      "[engine]\nlease = 9s\nworkers = 3\nbulk_workers = 2\nper_project = 6\n");
  EXPECT_TRUE(has_role(config, "api"));
  EXPECT_FALSE(has_role(config, "volume"));
  const engine::EngineOptions engine = engine_options(config, true, {});
  EXPECT_EQ(engine.membership.host, "h");
  EXPECT_EQ(engine.membership.lease, std::chrono::seconds{9});
  EXPECT_TRUE(engine.membership.exclusive);
  EXPECT_EQ(engine.slots, 3);
  EXPECT_EQ(engine.bulk_slots, 2);
  EXPECT_EQ(engine.project_limit, 6);
  EXPECT_EQ(command_options(config).quotas.at("volumes"), 7);
  EXPECT_TRUE(command_options(config).no_snapshot_gb_quota);
  EXPECT_EQ(server_options(config).port, 1);
  EXPECT_EQ(server_options(config).max_header_bytes, 4096u);
  EXPECT_EQ(list_limits(config).max_limit, 5);
}

TEST(Settings, a_filter_that_nobody_knows_keeps_the_node_from_starting) {
  EXPECT_NO_THROW(make_scheduler(config_of("scheduler_default_filters = CapacityFilter\n")));
  try {
    make_scheduler(config_of("scheduler_default_filters = CapacityFliter\n"));
    FAIL() << "it was taken";
  } catch (const std::runtime_error& refused) {
    EXPECT_NE(std::string(refused.what()).find("CapacityFilter"), std::string::npos) << refused.what();
  }
}

TEST(Settings, an_operators_list_of_filters_is_read_or_told) {
  char name[] = "/tmp/scoria-settings-XXXXXX";
  const std::string directory = ::mkdtemp(name), file = directory + "/filters.json";
  std::ofstream(file) << R"({"volume": ["name"]})";
  EXPECT_EQ(list_limits(config_of("resource_query_filters_file = " + file + "\n")).filters.of("volume"), std::vector<std::string>{"name"});
  std::ofstream(file) << "[";
  EXPECT_THROW(list_limits(config_of("resource_query_filters_file = " + file + "\n")), std::runtime_error);
  EXPECT_THROW(list_limits(config_of("resource_query_filters_file = " + directory + "/nothing\n")), std::exception);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace scoria::app
