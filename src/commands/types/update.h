#pragma once
#include <optional>
#include <string>

#include "commands/services.h"
#include "domain/types/volume_type.h"

namespace scoria::commands {

struct UpdateTypeRequest {
  std::optional<std::string> name, description;
  std::optional<bool> is_public;
};

/// Quotas of a type hang on its id: they follow a new name by themselves.
Result<VolumeType> update_type(Services& services, const std::string& id, const UpdateTypeRequest& request);

}  // namespace scoria::commands
