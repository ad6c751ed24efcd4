#pragma once
#include "base/random.h"
#include "base/seal.h"
#include "db/database.h"

namespace scoria::app {

/// Rows that always exist: the deployment's id, the default volume type, and a sample of what this node's key seals, by
/// which a node with another key is found. Any number of nodes may call it at once.
/// Returns the deployment's id.
std::string bootstrap(db::Database& database, Random& random, Sealer& sealer);

}  // namespace scoria::app
