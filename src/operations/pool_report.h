#pragma once
#include <string>

#include "drivers/driver.h"
#include "store/pools/pools.h"

namespace scoria::operations {

/// A driver's report as the row schedulers read. What may be promised at most is worked out by the scheduler's own
/// arithmetic, so that what it picks is what the row admits.
store::pools::Report to_row(const std::string& backend, const drivers::PoolReport& pool);

}  // namespace scoria::operations
