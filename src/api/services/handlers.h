#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// os-services.*, os-hosts.* and os-availability-zone.* of the route table.
void mount_services(Handlers& handlers, Services& services);
void mount_log_levels(Handlers& handlers, Services& services);
void mount_hosts(Handlers& handlers, Services& services);

}  // namespace scoria::api
