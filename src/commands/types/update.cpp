#include "commands/types/update.h"

#include <fmt/core.h>

#include "commands/types/refusals.h"
#include "store/types/types.h"

namespace scoria::commands {

Result<VolumeType> update_type(Services& services, const std::string& id, const UpdateTypeRequest& request) {
  const auto change = [&](db::Transaction& tx) -> Result<VolumeType> {
    auto type = store::types::lock(tx, id);
    if (!type) return no_such_type(id);
    // The configured default is known by its name: renamed, creates without a type would find none.
    if (request.name && *request.name != type->name && type->name == services.options.default_type)
      return refuse(RefusalCode::invalid_state, "Volume type {} is the default volume type: it cannot be renamed.", type->name);
    if (request.name) type->name = *request.name;
    if (request.description) type->description = *request.description;
    if (request.is_public) type->is_public = *request.is_public;
    store::types::describe(tx, *type);
    return *type;
  };
  try {
    return services.database.transact(change, [](std::string_view guard) { return Refusal{RefusalCode::conflict, std::string(guard), {}}; });
  } catch (const db::ConstraintError& taken) {
    if (!taken.unique) throw;
    return refuse(RefusalCode::conflict, "Volume Type {} already exists.", request.name.value_or(id));
  }
}

}  // namespace scoria::commands
