#include "app/command_line.h"

#include <unistd.h>

#include "app/config_command.h"
#include "app/local_commands.h"
#include "cli/access.h"

namespace scoria::app {
namespace {

constexpr const char* default_file = "/etc/scoria/scoria.conf";

/// What holds when nothing is said: this machine's name, and a directory that this user can write.
void add_presets(config::Sources& sources) {
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  sources.presets.push_back({"DEFAULT.host", host, "this machine's name"});
  if (::geteuid() == 0) return;
  const std::string state = cli::variable(sources.environment, "XDG_STATE_HOME"), home = cli::variable(sources.environment, "HOME");
  if (state.empty() && home.empty()) return;
  sources.presets.push_back({"DEFAULT.state_path", (state.empty() ? home + "/.local/state" : state) + "/scoria", "not running as root"});
}

}  // namespace

config::Sources sources_of(const cli::Given& given, const Environment& environment) {
  config::Sources out;
  out.environment = environment;
  add_presets(out);
  for (const std::string& file : given.all("config-file")) out.files.push_back({file, true});
  out.directories = given.all("config-dir"), out.settings = given.all("set");
  if (out.files.empty()) out.files.push_back({default_file, false});
  return out;
}

std::vector<cli::Verb> local_verbs(const Environment& environment) {
  using Takes = cli::Option::Takes;
  const std::vector<cli::Option> configured = {{"config-file", "instead of /etc/scoria/scoria.conf; again for more, later ones win", Takes::many},
                                               {"config-dir", "every *.conf of a directory", Takes::many},
                                               {"set", "section.key=value, wins over files", Takes::many}};
  std::vector<cli::Verb> out;
  const auto add = [&](std::string noun, std::string name, std::string help, std::vector<cli::Argument> arguments, std::vector<cli::Option> options,
                       int (*run)(const cli::Given&, const config::Sources&)) {
    options.insert(options.end(), configured.begin(), configured.end());
    out.push_back({std::move(noun), std::move(name), std::move(help), std::move(arguments), std::move(options), nullptr,
                   [run, environment](const cli::Given& given) { return run(given, sources_of(given, environment)); }});
  };
  add("", "serve", "run Scoria on this machine, with nothing to configure", {}, {}, serve);
  add("config", "show", "the values in force, and where each comes from", {}, {}, config_show);
  add("config", "explain", "which value of an option wins, and what it hides", {{"key", "name or section.name"}}, {}, config_explain);
  add("config", "sample", "every option with its default", {}, {}, config_sample);
  add("config", "reference", "the reference page of all options", {}, {}, config_reference);
  add("db", "version", "the version of the schema that the database has, and the one this program wants", {}, {}, db_version);
  add("db", "upgrade", "bring the schema up to date; `scoria serve` does it too", {}, {}, db_upgrade);
  add("admin", "check", cli::check_help, {}, {}, local_check);
  add("", "doctor", cli::doctor_help, {}, {}, local_doctor);
  add("admin upgrade", "status", cli::upgrade_status_help, {}, {}, local_upgrade_status);
  add("admin upgrade", "finalize", cli::upgrade_finalize_help, {}, {}, local_upgrade_finalize);
  add("admin pool", "create", "make a directory a pool with shared blocks: xfs in a sparse file, on a loop device", {{"directory", "new, or empty"}},
      {{"size", "the most it may grow to: 100G, 2T"}}, pool_create);
  return out;
}

}  // namespace scoria::app
