#pragma once
#include <memory>
#include <string>

#include "base/random.h"
#include "config/config.h"
#include "drivers/live.h"
#include "operations/backends.h"

namespace scoria::app {

/// Makes the backend of one section. Throws std::runtime_error with a sentence for the operator when it cannot be.
std::unique_ptr<operations::Backend> make_backend(const config::Config& config, const std::string& section, const std::string& deployment, Clock& clock,
                                                  Random& random, drivers::LiveUse* live);

}  // namespace scoria::app
