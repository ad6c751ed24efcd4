#include "app/command_line.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/logging.h"
#include "app/options.h"
#include "cli/grammar.h"
#include "config/options/general.h"
#include "observe/log.h"

namespace scoria::app {
namespace {

cli::Parsed parsed(const std::vector<std::string>& words) {
  static const std::vector<cli::Verb> verbs = local_verbs({});
  return cli::parse(verbs, words);
}

TEST(CommandLine, options_may_stand_anywhere_behind_the_verb) {
  const cli::Parsed line = parsed({"config", "explain", "--set", "host=a", "--config-dir=/d", "host", "--config-file", "/f"});
  ASSERT_NE(line.verb, nullptr);
  EXPECT_EQ(line.verb->name, "explain");
  EXPECT_EQ(line.given.text("key"), "host");
  const config::Sources sources = sources_of(line.given, {});
  EXPECT_EQ(sources.settings, std::vector<std::string>{"host=a"});
  EXPECT_EQ(sources.directories, std::vector<std::string>{"/d"});
  ASSERT_EQ(sources.files.size(), 1u);
  EXPECT_EQ(sources.files[0].path, "/f");
  EXPECT_TRUE(sources.files[0].required);
}

TEST(CommandLine, unknown_options_and_missing_values_are_refused) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(parsed({"serve", "--prot", "5"}).exit_code, 2);
  EXPECT_EQ(parsed({"serve", "--set"}).exit_code, 2);
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("--prot"), std::string::npos) << told;
  EXPECT_NE(told.find("`scoria serve --help`"), std::string::npos) << told;
}

TEST(CommandLine, nothing_said_is_enough_to_start) {
  const auto config = config::load(all_options(), sources_of(parsed({"serve"}).given, {{"HOME", "/home/me"}}));
  ASSERT_TRUE(config) << config.error().message;
  const auto general = config->read<config::GeneralOptions>();
  EXPECT_FALSE(general.host.empty());
  EXPECT_EQ(general.state_path, ::geteuid() == 0 ? "/var/lib/scoria" : "/home/me/.local/state/scoria");
}

TEST(Logging, a_reload_changes_levels_and_tells_what_wants_a_restart) {
  char name[] = "/tmp/scoria-app-XXXXXX";
  const std::string directory = ::mkdtemp(name), file = directory + "/a.conf";
  const auto write = [&file](const char* text) { std::ofstream(file) << text; };
  write("log_levels = engine=WARNING\n");
  config::Sources sources;
  sources.files.push_back({file});
  auto config = config::load(all_options(), sources);
  ASSERT_TRUE(config) << config.error().message;
  std::string told;
  log::set_sink([&told](const log::Line& line) { told += line.text + "\n"; });

  write("log_levels = engine=DEBUG\nhost = other\n");
  reload(*config);
  EXPECT_TRUE(log::enabled("engine.claim", log::Level::debug));
  EXPECT_FALSE(log::enabled("http", log::Level::debug));
  EXPECT_EQ(told, "[DEFAULT] host changed from '' to 'other': it takes a restart to be in force\n"
                  "[DEFAULT] log_levels changed from 'engine=WARNING' to 'engine=DEBUG': in force\n");
  told.clear();
  write("log_levels = engine=LOUD\n");
  reload(*config);
  EXPECT_TRUE(log::enabled("engine.claim", log::Level::debug));
  EXPECT_NE(told.find("the configuration stays as it was: "), std::string::npos);

  log::set_sink({});
  log::set_level("", log::Level::info);
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace scoria::app
