#pragma once
#include <string>

#include "base/time.h"
#include "domain/ids.h"

namespace scoria {

/// One use of a volume by one host. `connector` is who connects, `connection` what it was told (sealed where stored).
struct Attachment {
  AttachmentId id;
  VolumeId volume_id;
  std::string project_id, user_id;
  std::string instance_id, attached_host, mountpoint;
  std::string attach_mode;    // "rw", "ro"; empty until known
  std::string attach_status;  // reserved, attaching, attached, detaching, error_attaching, error_detaching
  std::string connector, connection;
  bool hidden = false;  // made by the old connection calls, not shown as an attachment
  std::string x_op, x_mode;
  std::int64_t rev = 0;
  Timestamp created_at, updated_at, attach_time, detach_time;
};

}  // namespace scoria
