#pragma once
#include <string>

#include "api/pipeline.h"
#include "db/database.h"

namespace scoria::app {

/// What does not hold, and what storage was found to hold otherwise than the database says, as JSON; after `repair` what is
/// left of it.
std::string check_report(db::Database& database, bool repair);

/// Calls for who runs the deployment: GET /scoria/v1/check evaluates the invariants, POST repairs before
/// it does, /scoria/v1/failpoints lists where faults
/// can be injected into this process and, if the configuration allows it, arms them.
void mount_operator(api::Handlers& handlers, db::Database& database, bool failpoints_allowed);

}  // namespace scoria::app
