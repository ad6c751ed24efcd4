#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// scoria.nodes.* of the route table.
void mount_nodes(Handlers& handlers, Services& services);

}  // namespace scoria::api
