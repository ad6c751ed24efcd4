#pragma once
#include "api/listing.h"
#include "config/config.h"
#include "scheduler/scheduler.h"

namespace scoria::app {

/// The scheduler that the configuration describes. Throws std::runtime_error for names that nobody knows.
scheduler::Scheduler make_scheduler(const config::Config& config);

/// What lists may be asked for. Throws std::runtime_error when the operator's file of filters cannot be read.
api::ListLimits list_limits(const config::Config& config);

}  // namespace scoria::app
