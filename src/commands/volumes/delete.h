#pragma once
#include "base/result.h"
#include "commands/services.h"
#include "domain/volumes/volume.h"
#include "identity/context.h"

namespace scoria::commands {

struct DeleteVolumeRequest {
  bool cascade = false;  // its snapshots go with it
  bool force = false;    // whatever its status; a running operation is cancelled first
};

/// Accepts the deletion. One that finds readers waits for them; the caller's answer does not.
Result<> delete_volume(Services& services, const Context& context, const Volume& volume, const DeleteVolumeRequest& request);

}  // namespace scoria::commands
