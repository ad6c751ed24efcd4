#pragma once
#include <string>

#include "commands/services.h"

namespace scoria::commands {

/// Refused while volumes have it, and for a type that creates fall back to: the configured default, a project's default,
/// the last one.
Result<> delete_type(Services& services, const std::string& id);

}  // namespace scoria::commands
