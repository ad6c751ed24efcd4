#pragma once
#include <string>

#include "drivers/driver.h"
#include "store/pools/pools.h"

namespace scoria::operations {

/// A driver's report as the row schedulers read: what may be promised at most follows from total, reserve and
/// over-subscription (behaviours: usable × ratio when thin, usable when thick).
store::pools::Report to_row(const std::string& backend, const drivers::PoolReport& pool);

}  // namespace scoria::operations
