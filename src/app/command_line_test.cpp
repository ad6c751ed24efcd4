#include "app/command_line.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/logging.h"
#include "app/options.h"
#include "config/options/general.h"
#include "observe/log.h"

namespace scoria::app {
namespace {

TEST(CommandLine, options_may_stand_anywhere_between_the_words) {
  const auto line = read_command_line({"config", "--set", "host=a", "explain", "--config-dir=/d", "host", "--config-file", "/f"}, {});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->words, (std::vector<std::string>{"config", "explain", "host"}));
  EXPECT_EQ(line->sources.settings, std::vector<std::string>{"host=a"});
  EXPECT_EQ(line->sources.directories, std::vector<std::string>{"/d"});
  ASSERT_EQ(line->sources.files.size(), 1u);
  EXPECT_EQ(line->sources.files[0].path, "/f");
  EXPECT_TRUE(line->sources.files[0].required);
}

TEST(CommandLine, unknown_options_and_missing_values_are_refused) {
  EXPECT_EQ(read_command_line({"serve", "--prot", "5"}, {}).error().message,
            "there is no option --prot; there are --config-file FILE, --config-dir DIRECTORY and --set section.key=value");
  EXPECT_EQ(read_command_line({"serve", "--set"}, {}).error().message, "--set wants a value");
}

TEST(CommandLine, nothing_said_is_enough_to_start) {
  const auto line = read_command_line({"serve"}, {{"HOME", "/home/me"}});
  ASSERT_TRUE(line);
  const auto config = config::load(all_options(), line->sources);
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
