#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// What stands around volumes: types, quotas, services, pools, zones, hosts, messages.
void mount_administration(Handlers& handlers, Services& services);

}  // namespace scoria::api
