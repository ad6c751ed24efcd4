#pragma once
#include "config/config.h"

namespace scoria::app {

/// Starts the log's writer and tells the configuration's notes as warnings.
void start_logging(const config::Config& config);

/// What SIGHUP does: reads the configuration again, applies what can change at run time, and tells of every change whether
/// it is in force or wants a restart. A configuration with mistakes is told and leaves everything as it was.
void reload(config::Config& config);

}  // namespace scoria::app
