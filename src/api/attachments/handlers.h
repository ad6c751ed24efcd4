#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// attachments.* of the route table.
void mount_attachments(Handlers& handlers, Services& services);
/// The old calls on volumes: initialize and terminate connection, attach, detach, force detach.
void mount_connections(Handlers& handlers, Services& services);

}  // namespace scoria::api
