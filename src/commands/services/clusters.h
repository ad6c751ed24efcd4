#pragma once
#include <string>

#include "commands/services.h"
#include "store/backends/names.h"

namespace scoria::commands {

/// A backend that got another name.
struct RenamedBackend {
  std::string name;  // what it is called now
  store::backends::Moved moved;
};

/// Turns the backend of one host (`host@section`) into one that every node of `cluster` may serve: `cluster@section`. Under
/// load: nodes follow within a second, what runs goes on under the new name. A backend that is there under that name already
/// gives way if nothing is on it. Refuses not_found, invalid_state for one that belongs to a cluster, conflict.
Result<RenamedBackend> adopt_backend(Services& services, const std::string& backend, const std::string& cluster);
/// Gives a cluster (`cluster@section`) another name, with or without the section.
Result<RenamedBackend> rename_cluster(Services& services, const std::string& cluster, const std::string& name);
/// Dissolves a cluster: its backend belongs to `host` again, the only one that may still serve it. Refuses invalid_state while
/// others do.
Result<RenamedBackend> dissolve_cluster(Services& services, const std::string& cluster, const std::string& host);
/// Forgets a cluster on which nothing lies and which no node serves. Refuses invalid_state.
Result<> remove_cluster(Services& services, const std::string& cluster);

}  // namespace scoria::commands
