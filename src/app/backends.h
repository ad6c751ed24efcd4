#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "config/config.h"
#include "db/database.h"
#include "drivers/live.h"
#include "operations/backends.h"

namespace scoria::app {

/// Makes the backend of one section. Throws std::runtime_error with a sentence for the operator when it cannot be.
std::unique_ptr<operations::Backend> make_backend(const config::Config& config, const std::string& section, const std::string& deployment, Clock& clock,
                                                  Random& random, db::Database& database, drivers::LiveUse* live);

/// The directories of all file backends.
std::vector<std::string> pool_directories(const config::Config& config);

/// What the file systems under the pools cost, a line each; empty when they are as they should be.
std::vector<std::string> advice_on_pools(const config::Config& config);

}  // namespace scoria::app
