#pragma once
#include <string>

#include "commands/services.h"
#include "domain/types/volume_type.h"
#include "identity/context.h"

namespace scoria::commands {

struct CreateTypeRequest {
  std::string name, description;
  bool is_public = true;
  ExtraSpecs extra_specs;
};

/// Refuses conflict when the name is taken.
Result<VolumeType> create_type(Services& services, const Context& context, const CreateTypeRequest& request);

}  // namespace scoria::commands
