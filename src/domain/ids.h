#pragma once
#include "base/ids.h"

namespace scoria {
using VolumeId = Id<struct VolumeTag>;
using SnapshotId = Id<struct SnapshotTag>;
using AttachmentId = Id<struct AttachmentTag>;
using VolumeTypeId = Id<struct VolumeTypeTag>;
}  // namespace scoria
