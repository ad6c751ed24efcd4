#pragma once
#include <string>

#include "commands/services.h"

namespace scoria::commands {

/// A disabled service gets no new volumes; what it has is served on. Refuses not_found.
Result<> switch_service(Services& services, const std::string& host, const std::string& binary, bool disabled, const std::string& reason);
/// The same for everything on a host.
Result<> switch_host(Services& services, const std::string& host, bool disabled);

/// A disabled cluster (cluster@section) gets no new volumes. Refuses not_found.
Result<> switch_cluster(Services& services, const std::string& name, bool disabled, const std::string& reason);

/// While a backend (host@section or cluster@section) is frozen, nothing on it is deleted and no snapshot is made or
/// deleted. Refuses invalid_input for one that nobody knows, invalid_state for one that is so already.
Result<> set_frozen(Services& services, const std::string& backend, bool frozen);

}  // namespace scoria::commands
