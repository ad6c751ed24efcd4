#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {
/// snapshots.* of the route table.
void mount_snapshots(Handlers& handlers, Services& services);
}  // namespace scoria::api
