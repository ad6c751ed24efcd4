#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// types.* and default-types.* of the route table.
void mount_types(Handlers& handlers, Services& services);
void mount_extra_specs(Handlers& handlers, Services& services);
void mount_type_access(Handlers& handlers, Services& services);
void mount_default_types(Handlers& handlers, Services& services);

}  // namespace scoria::api
