#pragma once
#include "config/snapshot.h"

namespace scoria::config {

/// Picks the winning candidate of an option in a section and substitutes what it refers to. For a section of a backend,
/// what [backend_defaults] says comes after its own. `snapshot.candidates` is read, nothing is changed.
Resolved resolve(const Snapshot& snapshot, const std::string& section, const Option& option);

/// The candidates that compete for an option in a section, strongest first.
std::vector<Candidate> competing(const Snapshot& snapshot, const std::string& section, const Option& option);

}  // namespace scoria::config
