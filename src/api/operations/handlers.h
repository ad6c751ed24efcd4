#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// /scoria/v1/operations: what is under way, who does it, how far it is, what it waits for; cancel and retry.
void mount_operations(Handlers& handlers, Services& services);

}  // namespace scoria::api
