#include "commands/types/delete.h"

#include <fmt/core.h>

#include "commands/types/refusals.h"
#include "store/types/defaults.h"
#include "store/types/types.h"

namespace scoria::commands {

Result<> delete_type(Services& services, const std::string& id) {
  const auto remove = [&](db::Transaction& tx) -> Result<> {
    const auto type = store::types::lock(tx, id);
    if (!type) return no_such_type(id);
    if (type->name == services.options.default_type || store::types::is_default_of_any(tx, type->id))
      return refuse(RefusalCode::invalid_state, "The volume type {} is a default volume type and cannot be deleted.", type->name);
    if (store::types::count(tx) == 1) return refuse(RefusalCode::invalid_state, "The volume type {} is the only volume type and cannot be deleted.", type->name);
    // The lock keeps new volumes of it out until the commit.
    if (store::types::in_use(tx, id)) return refuse(RefusalCode::invalid_state, "Target volume type is still in use: volumes have the type {}.", type->name);
    store::types::remove(tx, type->id);
    return {};
  };
  return services.database.transact(remove, [&](std::string_view) { return no_such_type(id).value(); });
}

}  // namespace scoria::commands
