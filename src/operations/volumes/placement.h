#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/volumes/shapes.h"
#include "engine/operation.h"
#include "operations/services.h"

namespace scoria::operations {

/// Picks the pool for the volume of a create operation and names its object. `refused` are pools ("backend#pool") that
/// turned out not to do. Refuses with a sentence that says what kept the pools out and the nearest fix: `unavailable`
/// while a pool that could take it is served by nobody, else for good.
Result<Placement> choose_pool(Services& services, const engine::Operation& operation, const std::vector<std::string>& refused);

}  // namespace scoria::operations
