#pragma once
#include <string>
#include <vector>

#include "commands/services.h"

namespace scoria::commands {

/// Asks the processes that run services on these hosts for another log level. They follow within their report interval.
void set_log_level(Services& services, const std::vector<std::string>& hosts, const std::string& prefix, const std::string& level);

}  // namespace scoria::commands
