#pragma once
#include <map>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "db/database.h"
#include "engine/kind.h"
#include "operations/backends.h"
#include "scheduler/scheduler.h"

namespace scoria::operations {

/// What steps work with. One per node, outlives every operation.
struct Services {
  db::Database& database;
  Clock& clock;
  Random& random;
  Backends& backends;
  scheduler::Scheduler scheduler = {};
};

/// Every kind of operation this build can run.
void register_all(engine::Kinds& kinds, Services& services);

}  // namespace scoria::operations
