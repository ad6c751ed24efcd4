#include "app/command_line.h"

#include <unistd.h>

namespace scoria::app {
namespace {

constexpr const char* default_file = "/etc/scoria/scoria.conf";

std::string value_of(const std::vector<std::pair<std::string, std::string>>& environment, std::string_view name) {
  for (const auto& [key, value] : environment)
    if (key == name) return value;
  return {};
}

/// What holds when nothing is said: this machine's name, and a directory that this user can write.
void add_presets(config::Sources& sources) {
  char host[256] = "localhost";
  ::gethostname(host, sizeof host - 1);
  sources.presets.push_back({"DEFAULT.host", host, "this machine's name"});
  if (::geteuid() == 0) return;
  const std::string state = value_of(sources.environment, "XDG_STATE_HOME"), home = value_of(sources.environment, "HOME");
  if (state.empty() && home.empty()) return;
  sources.presets.push_back({"DEFAULT.state_path", (state.empty() ? home + "/.local/state" : state) + "/scoria", "not running as root"});
}

}  // namespace

Result<CommandLine> read_command_line(const std::vector<std::string>& arguments, std::vector<std::pair<std::string, std::string>> environment) {
  CommandLine out;
  out.sources.environment = std::move(environment);
  add_presets(out.sources);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (!word.starts_with("--")) {
      out.words.push_back(word);
      continue;
    }
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    if (equals == std::string::npos && i + 1 >= arguments.size()) return refuse(RefusalCode::invalid_input, "{} wants a value", name);
    const std::string value = equals == std::string::npos ? arguments[++i] : word.substr(equals + 1);
    if (name == "--config-file") {
      out.sources.files.push_back({value, true});
    } else if (name == "--config-dir") {
      out.sources.directories.push_back(value);
    } else if (name == "--set") {
      out.sources.settings.push_back(value);
    } else {
      return refuse(RefusalCode::invalid_input, "there is no option {}; there are --config-file FILE, --config-dir DIRECTORY and --set section.key=value", name);
    }
  }
  if (out.sources.files.empty()) out.sources.files.push_back({default_file, false});
  return out;
}

}  // namespace scoria::app
