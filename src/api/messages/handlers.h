#pragma once
#include "api/pipeline.h"
#include "api/services.h"

namespace scoria::api {

/// messages.* of the route table.
void mount_messages(Handlers& handlers, Services& services);

}  // namespace scoria::api
