#pragma once
#include "api/pipeline.h"
#include "api/services.h"
#include "scheduler/scheduler.h"

namespace scoria::api {

/// GET /scoria/v1/explain/volumes/{volume_id}: where the volume could be placed now, and per pool why not. `scheduler`
/// is the one that places.
void mount_explain(Handlers& handlers, Services& services, const scheduler::Scheduler& scheduler);

}  // namespace scoria::api
