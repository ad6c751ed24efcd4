#pragma once
#include <string>

#include "commands/services.h"
#include "domain/types/volume_type.h"

namespace scoria::commands {

/// What extra specs must keep to: zones that are named, sizes that are numbers, no cache for volumes with several hosts.
Result<> check_extra_specs(const ExtraSpecs& specs);

/// Sets these over the type's own. Refused while any volume has the type: its volumes are what they were placed for.
Result<> set_extra_specs(Services& services, const std::string& type, const ExtraSpecs& changes);
/// The same for one key that must exist.
Result<> remove_extra_spec(Services& services, const std::string& type, const std::string& key);

}  // namespace scoria::commands
