#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {
/// Scoria's own: /scoria/v1/operations, their cancel and retry.
void mount_operations(Handlers& handlers, Services& services);
}  // namespace scoria::api
