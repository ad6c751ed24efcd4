#include "commands/types/create.h"

#include <fmt/core.h>

#include "commands/once.h"
#include "commands/types/extra_specs.h"
#include "store/types/types.h"

namespace scoria::commands {

Result<VolumeType> create_type(Services& services, const Context& context, const CreateTypeRequest& request) {
  if (const Result<> good = check_extra_specs(request.extra_specs); !good) return refuse(good.error());
  VolumeType type;
  type.id = {services.random.uuid()};
  type.name = request.name, type.description = request.description, type.is_public = request.is_public;
  type.extra_specs = request.extra_specs;
  const auto make = [&](db::Transaction& tx) -> Result<VolumeType> {
    remember(tx, context, {}, type.id.text);
    store::types::insert(tx, type);
    return *store::types::find_by_id(tx, type.id.text);
  };
  const auto landed = [&](db::Transaction& tx) { return store::types::find_by_id(tx, type.id.text); };
  const auto explain = [](std::string_view guard) { return Refusal{RefusalCode::conflict, std::string(guard), {}}; };
  try {
    const auto load = [](db::Transaction& tx, const std::string& id) { return store::types::find_by_id(tx, id); };
    return once<VolumeType>(services, context, load, [&] { return transact_once<VolumeType>(services, make, explain, landed); });
  } catch (const db::ConstraintError& taken) {
    if (!taken.unique) throw;
    return refuse(RefusalCode::conflict, "Volume Type {} already exists.", request.name);
  }
}

}  // namespace scoria::commands
