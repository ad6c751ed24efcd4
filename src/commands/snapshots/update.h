#pragma once
#include <optional>
#include <string>

#include "commands/services.h"
#include "commands/volumes/update.h"
#include "domain/snapshots/snapshot.h"

namespace scoria::commands {

struct DescribeSnapshotRequest {
  std::optional<std::string> name, description;
};
Result<> describe_snapshot(Services& services, const SnapshotId& id, const DescribeSnapshotRequest& request);
/// As change_volume_map.
Result<std::string> change_snapshot_metadata(Services& services, const SnapshotId& id, const MapChange& change);
/// A compute service tells how far a snapshot is that it makes or deletes itself: from creating to creating, available or
/// error, from deleting to deleting or error_deleting. `progress` in percent. Refused as reset_snapshot_status().
Result<> update_snapshot_status(Services& services, const SnapshotId& id, const std::string& status, std::optional<int> progress);
/// An admin's override. Refused while an operation holds the snapshot: it is named.
Result<> reset_snapshot_status(Services& services, const SnapshotId& id, const std::string& status);

}  // namespace scoria::commands
