#pragma once
#include <string>

#include "commands/services.h"
#include "domain/attachments/attachment.h"
#include "domain/attachments/shapes.h"
#include "domain/volumes/volume.h"
#include "identity/context.h"

namespace scoria::commands {

struct AttachRequest {
  std::string instance_id;
  std::string mode;           // "rw", "ro" or empty
  bool connect = false;       // with a connector: export at once
  ConnectorShape connector;
  bool hidden = false;        // made by os-initialize_connection
};

/// What a synchronous call waits for.
struct Attaching {
  Attachment attachment;
  std::string operation;  // empty: nothing to wait for
};

/// Reserves the volume for one more user; with a connector also starts the export. `known`: the volume as the caller has just read it.
Result<Attaching> create_attachment(Services& services, const Context& context, const VolumeId& volume, const AttachRequest& request, const Volume* known = nullptr);
/// Gives a reserved attachment its connector and starts the export.
Result<Attaching> connect_attachment(Services& services, const Context& context, const Attachment& attachment, const ConnectorShape& connector);
/// The client uses the volume now: attached, in-use. `alone`: its volume has no other, as the caller has just read.
Result<> complete_attachment(Services& services, const Attachment& attachment, bool alone = false);
/// Ends an attachment: at once if nothing was exported, else when the host is cut off. An export that is still being made
/// is cancelled first. `volume`: its own as the caller has just read it; backend, project and number of attachments are enough.
Result<Attaching> remove_attachment(Services& services, const Context& context, const Attachment& attachment, const Volume* volume = nullptr);

/// The old calls: os-attach records a use, os-detach ends it; exports go by hidden attachments beside it.
struct OldAttachRequest {
  std::string instance_id, host, mountpoint, mode;
};
Result<> record_attach(Services& services, const Context& context, const Volume& volume, const OldAttachRequest& request);
Result<> record_detach(Services& services, const Volume& volume, const std::string& attachment_id);

}  // namespace scoria::commands
