#include "commands/types/defaults.h"

#include <fmt/core.h>

#include "commands/types/refusals.h"
#include "store/types/defaults.h"
#include "store/types/types.h"

namespace scoria::commands {

Result<VolumeType> set_default_type(Services& services, const std::string& project, const std::string& wanted) {
  const auto set = [&](db::Transaction& tx) -> Result<VolumeType> {
    const auto found = store::types::find(tx, wanted);
    const auto type = found ? store::types::lock(tx, found->id.text) : std::nullopt;  // it cannot be deleted meanwhile
    if (!type || !store::types::visible(tx, *type, project, false))
      return refuse(RefusalCode::invalid_input, "Volume type {} could not be found, or project {} may not use it.", wanted, project);
    store::types::set_default(tx, project, type->id);
    return *type;
  };
  return services.database.transact(set, [&](std::string_view) { return no_such_type(wanted).value(); });
}

void unset_default_type(Services& services, const std::string& project) {
  services.database.write([&](db::Transaction& tx) { store::types::unset_default(tx, project); });
}

}  // namespace scoria::commands
