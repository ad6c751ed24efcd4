#pragma once
#include "commands/volumes/delete.h"

namespace scoria::commands {

/// Deletion of a volume with what hangs on it. Volume, snapshots and attachments are taken in one transaction, decided on
/// the rows as seen; each child gets a deletion of its own, which the volume's waits for.
/// cascade: its snapshots go with it; refused while one is busy or, for anybody but an admin, another project's.
/// force: whatever the statuses; operations that work on the volume or its snapshots are asked to stop and hand over;
/// attachments that are not in use end. A volume in use is refused: it is detached first.
Result<> delete_whole(Services& services, const Context& context, const VolumeId& id, const DeleteVolumeRequest& request);

}  // namespace scoria::commands
