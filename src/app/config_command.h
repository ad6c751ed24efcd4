#pragma once
#include <string>
#include <vector>

#include "config/sources.h"

namespace scoria::app {

/// `scoria config sample|reference|show|explain KEY`: writes to standard output and gives the exit code: 0, 1 if the
/// configuration is refused or the key is unknown, 2 for words it does not know.
int config_command(const std::vector<std::string>& words, const config::Sources& sources);

}  // namespace scoria::app
