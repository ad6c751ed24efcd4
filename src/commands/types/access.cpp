#include "commands/types/access.h"

#include <fmt/core.h>

#include "commands/types/refusals.h"
#include "store/types/types.h"

namespace scoria::commands {
namespace {

template <class Change>
Result<> change_access(Services& services, const std::string& id, Change&& change) {
  return services.database.transact(
      [&](db::Transaction& tx) -> Result<> {
        const auto type = store::types::lock(tx, id);
        if (!type) return no_such_type(id);
        if (type->is_public) return refuse(RefusalCode::invalid_input, "Type access modification is not applicable to public volume type.");
        return change(tx, *type);
      },
      [&](std::string_view) { return no_such_type(id).value(); });
}

}  // namespace

Result<> add_type_access(Services& services, const std::string& id, const std::string& project) {
  return change_access(services, id, [&](db::Transaction& tx, const VolumeType& type) -> Result<> {
    if (store::types::add_access(tx, type.id, project)) return {};
    return refuse(RefusalCode::conflict, "Volume type access for {} / {} combination already exists.", id, project);
  });
}

Result<> remove_type_access(Services& services, const std::string& id, const std::string& project) {
  return change_access(services, id, [&](db::Transaction& tx, const VolumeType& type) -> Result<> {
    if (store::types::remove_access(tx, type.id, project)) return {};
    return refuse(RefusalCode::not_found, "Volume type access not found for {} / {} combination.", id, project);
  });
}

}  // namespace scoria::commands
