#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"
#include "domain/snapshots/snapshot.h"

/// Snapshots as rows; the parent volume counts them. Every change of a status names the status it expects.
namespace scoria::store::snapshots {

extern const std::string_view columns;
Snapshot read(const db::Rows& rows, std::size_t row);

/// The row alone; the volume's side is add_to_volume(), which comes first.
void insert(db::Transaction& tx, const Snapshot& snapshot);
/// The volume gets a child and a reader, if its status is one of `from` and nobody holds X. Guard "snapshot.volume".
void add_to_volume(db::Transaction& tx, const VolumeId& volume, std::initializer_list<VolumeStatus> from);
/// The volume loses a child. Guard "snapshot.parent".
void remove_from_volume(db::Transaction& tx, const VolumeId& volume);

std::optional<Snapshot> find(db::Transaction& tx, const SnapshotId& id);
std::vector<Snapshot> of_volume(db::Transaction& tx, const VolumeId& volume);

/// As store::volumes: X with the status that says so, and its return. Snapshots have no previous status.
/// The snapshot is still on the backend where the caller saw it. After the claim was taken. Guard backends::moved_away.
void require_at(db::Transaction& tx, const Snapshot& seen);
void take(db::Transaction& tx, std::string_view label, const SnapshotId& id, std::string_view operation, std::initializer_list<SnapshotStatus> from,
          SnapshotStatus to, std::string_view also = {});
/// As store::volumes: for a deletion that waits for the holder.
void queue_behind(db::Transaction& tx, std::string_view label, const Snapshot& seen, std::string_view operation);
void step_back(db::Transaction& tx, const SnapshotId& id, std::string_view operation);
/// A deletion that did nothing: back to what the snapshot's object says.
void settle_kept(db::Transaction& tx, const SnapshotId& id, std::string_view operation);
void settle(db::Transaction& tx, const SnapshotId& id, std::string_view operation, SnapshotStatus from, SnapshotStatus to);
void publish(db::Transaction& tx, const SnapshotId& id, std::string_view operation, const std::string& provider_name);
void require_quiet(db::Transaction& tx, const SnapshotId& id, std::string_view operation);
void remove(db::Transaction& tx, const SnapshotId& id, std::string_view operation);

/// Changes that need no claim, on the row as it was seen (`rev`); 0 rows: refused.
std::int64_t describe(db::Transaction& tx, const SnapshotId& id, std::int64_t rev, const std::string& name, const std::string& description);
std::int64_t set_metadata(db::Transaction& tx, const SnapshotId& id, std::int64_t rev, const std::string& metadata);
/// Only while no operation holds the row.
std::int64_t override_status(db::Transaction& tx, const SnapshotId& id, std::int64_t rev, SnapshotStatus to, std::optional<int> progress = {});

}  // namespace scoria::store::snapshots
