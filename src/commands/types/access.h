#pragma once
#include <string>

#include "commands/services.h"

namespace scoria::commands {

/// Which projects may use a private type. Public types have no such list: invalid_input. Given twice: conflict.
Result<> add_type_access(Services& services, const std::string& type, const std::string& project);
/// Refuses not_found when the project has no access.
Result<> remove_type_access(Services& services, const std::string& type, const std::string& project);

}  // namespace scoria::commands
