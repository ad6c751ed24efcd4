#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/time.h"
#include "domain/ids.h"
#include "domain/volumes/volume.h"

namespace scoria {

/// resources.md 2.
enum class SnapshotStatus { creating, available, deleting, deleted, updating, error, error_deleting, unmanaging, backing_up, restoring };
std::string_view to_text(SnapshotStatus status);
bool parse(std::string_view text, SnapshotStatus& out);
std::string sql_list(std::initializer_list<SnapshotStatus> statuses);

struct Snapshot {
  SnapshotId id;
  VolumeId volume_id;
  std::string project_id, user_id;
  std::string name, description;
  SnapshotStatus status = SnapshotStatus::creating;
  std::int64_t size_gib = 0;
  VolumeTypeId type;
  std::string group_snapshot_id;
  std::string backend, pool;
  std::string provider_name;
  int progress = 0;  // percent
  bool consumes_quota = true;
  std::string metadata = "{}";
  Charge charge;
  std::string x_op, x_mode, next_op;
  std::int64_t s_ops = 0, rev = 0;
  Timestamp created_at, updated_at;
};

}  // namespace scoria
