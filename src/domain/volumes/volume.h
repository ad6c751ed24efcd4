#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "domain/ids.h"

namespace scoria {

/// The API's own words (resources.md 1.1). `maintenance` to `error_extending` may be set by os-reset_status too.
enum class VolumeStatus {
  creating, available, deleting, error, error_deleting, error_managing, managing, attaching, in_use, detaching, maintenance,
  restoring_backup, error_restoring, reserved, awaiting_transfer, backing_up, error_backing_up, error_extending, downloading,
  uploading, retyping, extending, reverting, unmanaging, error_unmanaging, error_managing_deleting
};
std::string_view to_text(VolumeStatus status);
/// False for a word that is no status.
bool parse(std::string_view text, VolumeStatus& out);
/// `'available', 'error'`: for `status IN (…)`.
std::string sql_list(std::initializer_list<VolumeStatus> statuses);

/// How many GiB of whose quota a row was charged: exactly this is given back, whatever changed since.
struct Charge {
  std::string project;
  std::string type;
  std::int64_t gib = 0;
};

struct Volume {
  VolumeId id;
  std::string project_id, user_id;
  std::string name, description;
  std::int64_t size_gib = 0;
  VolumeStatus status = VolumeStatus::creating;
  std::string previous_status;
  std::string attach_status = "detached";
  std::string migration_status, replication_status;
  VolumeTypeId type;
  std::string availability_zone;
  std::string backend, pool;    // host = backend#pool; empty until placed
  std::string provider_name;    // the published object; empty until published
  std::int64_t object_bytes = 0;  // its size in the pool's units
  std::string snapshot_id, source_volid, group_id;
  bool bootable = false, multiattach = false, readonly = false, consumes_quota = true;
  std::string metadata = "{}";        // JSON object of texts
  std::string image_metadata = "{}";
  std::int64_t snapshots = 0, attachments = 0;  // live children
  Charge charge;
  std::string x_op, x_mode;  // who holds it, durable-operations: claims
  std::string next_op;       // the deletion that gets X when the holder ends
  std::int64_t s_ops = 0, rev = 0;
  Timestamp created_at, updated_at, launched_at;
};

/// `backend#pool`, Cinder's host of a volume; empty before placement.
inline std::string host_of(const Volume& volume) { return volume.backend.empty() ? std::string{} : volume.backend + "#" + volume.pool; }

}  // namespace scoria
