#pragma once
#include "base/random.h"
#include "db/database.h"

namespace scoria::app {

/// Rows that always exist: the deployment's id and the default volume type. Any number of nodes may call it at once.
/// Returns the deployment's id.
std::string bootstrap(db::Database& database, Random& random);

}  // namespace scoria::app
