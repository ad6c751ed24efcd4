#pragma once
#include <memory>

#include "base/clock.h"
#include "base/random.h"
#include "config/config.h"
#include "db/database.h"

namespace scoria::app {

/// Opens what [database] connection names: sqlite:///path, postgresql://… or mariadb://… Throws with a sentence for the operator.
std::unique_ptr<db::Database> open_database(const config::Config& config, Clock& clock, Random& random);

}  // namespace scoria::app
