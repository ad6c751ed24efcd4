#pragma once
#include "commands/services.h"
#include "domain/snapshots/snapshot.h"
#include "identity/context.h"

namespace scoria::commands {

/// Accepts the deletion of a snapshot; one that copies still read waits for them. `force`: whatever its status.
Result<> delete_snapshot(Services& services, const Context& context, const Snapshot& snapshot, bool force);

}  // namespace scoria::commands
