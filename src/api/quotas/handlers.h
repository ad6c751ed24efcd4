#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// os-quota-sets.*, os-quota-class-sets.* and limits.* of the route table.
void mount_quotas(Handlers& handlers, Services& services);

}  // namespace scoria::api
