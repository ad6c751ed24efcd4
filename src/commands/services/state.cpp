#include "commands/services/state.h"

#include <fmt/core.h>

#include "store/services/clusters.h"
#include "store/services/services.h"

namespace scoria::commands {

Result<> switch_service(Services& services, const std::string& host, const std::string& binary, bool disabled, const std::string& reason) {
  const std::int64_t changed = services.database.write([&](db::Transaction& tx) { return store::services::set_disabled(tx, host, binary, disabled, reason); });
  if (changed > 0) return {};
  return refuse(RefusalCode::not_found, "Service {} could not be found on host {}.", binary, host);
}

Result<> switch_host(Services& services, const std::string& host, bool disabled) {
  const std::int64_t changed = services.database.write([&](db::Transaction& tx) {
    std::int64_t sum = 0;
    for (const store::services::Service& one : store::services::all(tx))
      if (one.host == host) sum += store::services::set_disabled(tx, host, one.binary, disabled, {});
    return sum;
  });
  if (changed > 0) return {};
  return refuse(RefusalCode::not_found, "Host {} could not be found.", host);
}

Result<> switch_cluster(Services& services, const std::string& name, bool disabled, const std::string& reason) {
  const std::int64_t changed = services.database.write([&](db::Transaction& tx) { return store::clusters::set_disabled(tx, name, disabled, reason); });
  if (changed > 0) return {};
  return refuse(RefusalCode::not_found, "Cluster {} could not be found.", name);
}

Result<> set_frozen(Services& services, const std::string& backend, bool frozen) {
  const bool known = services.database.read([&](db::Transaction& tx) { return !tx.query("SELECT 1 FROM backend WHERE name = ?", {backend}).empty(); });
  if (!known) return refuse(RefusalCode::invalid_input, "Backend {} could not be found.", backend);
  if (services.database.write([&](db::Transaction& tx) { return store::services::set_frozen(tx, backend, frozen); }) == 1) return {};
  return refuse(RefusalCode::invalid_state, "Backend {} is {} already.", backend, frozen ? "frozen" : "thawed");
}

}  // namespace scoria::commands
