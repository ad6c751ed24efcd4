#include "commands/services/log_level.h"

#include "store/services/log_levels.h"

namespace scoria::commands {

void set_log_level(Services& services, const std::vector<std::string>& hosts, const std::string& prefix, const std::string& level) {
  services.database.write([&](db::Transaction& tx) {
    for (const std::string& host : hosts) store::log_levels::set(tx, host, prefix, level);
  });
}

}  // namespace scoria::commands
