#pragma once
#include "config/config.h"
#include "db/database.h"
#include "operations/backends.h"

namespace scoria::app {

/// What a backend needs to be worked on by several nodes: the locks that its section's backend_url names, and whether its
/// driver, with those locks, was proved to be safe for all nodes at once. Throws std::runtime_error with a sentence for
/// the operator.
void furnish_locks(operations::Backend& backend, const config::Config& config, const std::string& section, const std::string& deployment, Clock& clock,
                   Random& random, db::Database& database);

}  // namespace scoria::app
