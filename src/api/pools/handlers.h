#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// scheduler-stats.* and capabilities.* of the route table.
void mount_pools(Handlers& handlers, Services& services);

}  // namespace scoria::api
