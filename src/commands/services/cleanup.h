#pragma once
#include <optional>
#include <string>
#include <vector>

#include "commands/services.h"
#include "store/services/services.h"

namespace scoria::commands {

/// Which services an administrator wants cleaned; empty members do not restrict.
struct CleanupRequest {
  std::string host, cluster, binary;
  std::optional<std::int64_t> service;  // number_of(service)
  std::optional<bool> disabled;
  bool up = false;                      // of services that are up, instead of those that are down
  std::string resource_id;              // a volume or a snapshot
};

/// Services with work that they were at when they went: `cleaning`: others take it over at this very moment;
/// `unavailable`: nobody is there to. Both are empty when nothing is left, as is the case seconds after a node died.
struct Cleanup {
  std::vector<store::services::Service> cleaning, unavailable;
};

/// There is nothing to clean up by hand: nodes take over the work of dead ones by themselves. Asking says what is left, makes
/// what waits for its next try due, and the comparison of the backends' storage with the database. Refuses not_found for a
/// resource that nobody knows.
Result<Cleanup> clean_up(Services& services, const CleanupRequest& request);

/// A service as a small number, for clients that want one: of its id.
std::int64_t number_of(const store::services::Service& service);

}  // namespace scoria::commands
