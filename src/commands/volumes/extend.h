#pragma once
#include "commands/services.h"
#include "domain/volumes/volume.h"
#include "identity/context.h"

namespace scoria::commands {

/// Accepts that a volume grows to `new_gib`. The difference is charged at once. `in_use`: attached volumes too (3.42).
Result<> extend_volume(Services& services, const Context& context, const Volume& volume, std::int64_t new_gib, bool in_use);

}  // namespace scoria::commands
