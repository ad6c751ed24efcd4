#pragma once
#include "commands/services.h"
#include "domain/snapshots/snapshot.h"
#include "identity/context.h"

namespace scoria::commands {

struct CreateSnapshotRequest {
  std::string name, description;
  std::string metadata = "{}";
  bool in_use = false;  // a volume in use is allowed: force, or microversion 3.66
};

/// Accepts a snapshot of `volume`: row, reader claim on the volume, operation, event and quota in one transaction.
Result<Snapshot> create_snapshot(Services& services, const Context& context, const Volume& volume, const CreateSnapshotRequest& request);

}  // namespace scoria::commands
