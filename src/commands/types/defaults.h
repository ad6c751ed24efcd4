#pragma once
#include <string>

#include "commands/services.h"
#include "domain/types/volume_type.h"

namespace scoria::commands {

/// What creates of a project without a type get. `type` is an id or a name; an unknown one, or one that the project may
/// not use, is invalid_input.
Result<VolumeType> set_default_type(Services& services, const std::string& project, const std::string& type);
/// Back to the configured default. Nothing to take back is fine.
void unset_default_type(Services& services, const std::string& project);

}  // namespace scoria::commands
