#pragma once
#include "drivers/errors.h"

/// Exporters fail as drivers do.
namespace scoria::exports {

using drivers::DriverError;
using drivers::DriverResult;
using drivers::failed;
using drivers::FailureClass;
using drivers::guarded;

}  // namespace scoria::exports
