#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// volumes.* of the route table.
void mount_volumes(Handlers& handlers, Services& services);
void mount_volume_lists(Handlers& handlers, Services& services);
void mount_volume_metadata(Handlers& handlers, Services& services);
void mount_volume_actions(Handlers& handlers, Services& services);

}  // namespace scoria::api
