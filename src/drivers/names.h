#pragma once
#include <string_view>

#include "drivers/driver.h"

namespace scoria::drivers {

/// A name as Scoria chooses them: [a-zA-Z0-9._-]{1,200}, not starting with a dot (those are the drivers' own).
bool valid_name(std::string_view name);

/// What a pool really sets aside for a requested size: at least its minimum, rounded up to its allocation unit, which
/// itself counts in whole sectors of 512 bytes. Placement, capacity, create, extend and clone use this size; quota and
/// the user see the requested one.
Bytes effective_size(Bytes requested, const PoolReport& pool);
/// A configured unit as it is used: at least one sector, rounded up to whole sectors.
Bytes sector_multiple(Bytes unit);

}  // namespace scoria::drivers
