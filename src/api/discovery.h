#pragma once
#include "api/pipeline.h"
#include "api/resource_filters.h"

namespace scoria::api {

/// extensions.* and resource_filters.list: what clients ask to find out what there is. `filters` outlives the handlers.
void mount_discovery(Handlers& handlers, const ResourceFilters& filters);

}  // namespace scoria::api
