#pragma once
#include <map>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/seal.h"
#include "db/database.h"
#include "engine/kind.h"
#include "exports/door.h"
#include "operations/backends.h"
#include "scheduler/scheduler.h"

namespace scoria::operations {

class Places;

/// What steps work with. One per node, outlives every operation.
struct Services {
  db::Database& database;
  Clock& clock;
  Random& random;
  Backends& backends;
  exports::Door* exports = nullptr;  // none: this node attaches nothing
  Sealer* sealer = nullptr;          // with exports
  scheduler::Scheduler scheduler = {};
  const Places* places = nullptr;    // none: whoever serves a backend serves its exports
};

/// Every kind of operation this build can run.
void register_all(engine::Kinds& kinds, Services& services);

}  // namespace scoria::operations
