#pragma once
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "domain/volumes/shapes.h"
#include "engine/operation.h"

namespace scoria::operations {

struct Choice {
  Placement placement;
};

/// Picks the pool for the volume of a create operation and names its object. Refuses `unavailable`
/// while the pools that could take it are served by nobody, else for good, with the reason.
Result<Choice> choose_pool(db::Database& database, Random& random, const engine::Operation& operation, const std::vector<std::string>& refused);

}  // namespace scoria::operations
