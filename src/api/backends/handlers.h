#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// GET /scoria/v1/backends: how the nodes that serve each backend share its work, and why.
void mount_backends(Handlers& handlers, Services& services);

}  // namespace scoria::api
