#include "cli/access.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace scoria::cli {
namespace {

class CloudsYaml : public testing::Test {
 protected:
  CloudsYaml() {
    char name[] = "/tmp/scoria-cli-XXXXXX";
    directory_ = ::mkdtemp(name);
    file_ = directory_ + "/clouds.yaml";
  }
  ~CloudsYaml() override { std::filesystem::remove_all(directory_); }
  Environment environment(const char* text, Environment more = {}) const {
    std::ofstream(file_) << text;
    more.emplace_back("OS_CLIENT_CONFIG_FILE", file_);
    return more;
  }
  std::string directory_, file_;
};

constexpr const char* two = R"(
clouds:
  one: {auth: {auth_url: http://a, username: u, password: p, project_name: x}, region_name: R, cacert: /ca.pem}
  two: {auth: {auth_url: http://b, application_credential_id: i, application_credential_secret: s}, verify: false, interface: internal}
)";

TEST_F(CloudsYaml, of_several_clouds_one_must_be_chosen) {
  const auto none = find_access(environment(two));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("choose one with --os-cloud or OS_CLOUD (one, two)"), std::string::npos) << none.error().message;
  const auto one = find_access(environment(two, {{"OS_CLOUD", "one"}}));
  ASSERT_TRUE(one);
  EXPECT_EQ(one->username, "u");
  EXPECT_EQ(one->region, "R");
  EXPECT_EQ(one->ca_file, "/ca.pem");
  EXPECT_FALSE(one->insecure);
  const auto second = find_access(environment(two, {{"OS_CLOUD", "one"}}), "two");
  ASSERT_TRUE(second);
  EXPECT_EQ(second->credential_secret, "s");
  EXPECT_EQ(second->interface, "internal");
  EXPECT_TRUE(second->insecure);
}

TEST_F(CloudsYaml, an_unknown_cloud_is_refused_with_those_there_are) {
  const auto found = find_access(environment(two, {{"OS_CLOUD", "three"}}));
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("has no cloud 'three'; it has one, two."), std::string::npos) << found.error().message;
}

TEST_F(CloudsYaml, broken_files_are_told_with_their_name) {
  const auto found = find_access(environment("clouds: [unclosed"));
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find(file_), std::string::npos);
}

TEST_F(CloudsYaml, variables_win_unless_a_cloud_is_named) {
  const Environment variables = {
      {"OS_AUTH_URL", "http://c"}, {"OS_USERNAME", "v"}, {"OS_PASSWORD", "w"}, {"OS_PROJECT_NAME", "q"}, {"OS_CACERT", "/c.pem"}};
  const auto direct = find_access(environment(two, variables));
  ASSERT_TRUE(direct);
  EXPECT_EQ(direct->auth_url, "http://c");
  EXPECT_EQ(direct->ca_file, "/c.pem");
  const auto named = find_access(environment(two, variables), "one");
  ASSERT_TRUE(named);
  EXPECT_EQ(named->auth_url, "http://a");
}

TEST(Access, variables_that_are_not_enough_are_told) {
  const auto found = find_access({{"OS_AUTH_URL", "http://c"}, {"OS_USERNAME", "v"}});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, RefusalCode::unauthorized);
  EXPECT_NE(found.error().message.find("OS_PASSWORD"), std::string::npos);
}

}  // namespace
}  // namespace scoria::cli
