#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "config/sources.h"

namespace scoria::app {

/// What this process was started with, for the verbs that work without a running service (serve, config, db).
struct CommandLine {
  std::vector<std::string> words;  // "serve"; "config", "explain", "host"
  config::Sources sources;         // --config-file, --config-dir, --set, the environment, and what this machine suggests
};

/// `arguments` without the program's name. Without --config-file /etc/scoria/scoria.conf is read if it is there. Refuses an
/// option that it does not know.
Result<CommandLine> read_command_line(const std::vector<std::string>& arguments, std::vector<std::pair<std::string, std::string>> environment);

}  // namespace scoria::app
