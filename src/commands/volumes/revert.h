#pragma once
#include "commands/services.h"
#include "domain/volumes/volume.h"
#include "identity/context.h"

namespace scoria::commands {

/// Accepts that an available volume goes back to its newest snapshot, of its own size.
Result<> revert_volume(Services& services, const Context& context, const Volume& volume, const std::string& snapshot_id);

}  // namespace scoria::commands
