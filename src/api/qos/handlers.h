#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// /qos-specs. Associations are changed by GET: that is the API.
void mount_qos(Handlers& handlers, Services& services);

}  // namespace scoria::api
