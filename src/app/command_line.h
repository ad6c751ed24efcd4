#pragma once
#include <string>
#include <utility>
#include <vector>

#include "cli/verbs.h"
#include "config/sources.h"

namespace scoria::app {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// The verbs that work on this machine, without asking a service: serve, config, db, admin pool. A verb of them reads the
/// configuration that --config-file, --config-dir, --set and the environment say.
std::vector<cli::Verb> local_verbs(const Environment& environment);

/// Where the configuration comes from: what was said, and what this machine suggests. Without --config-file
/// /etc/scoria/scoria.conf is read if it is there.
config::Sources sources_of(const cli::Given& given, const Environment& environment);

}  // namespace scoria::app
