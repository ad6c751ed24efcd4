#include "commands/volumes/place.h"

#include "base/mutants.h"
#include "scheduler/volume_request.h"
#include "store/objects/objects.h"
#include "store/pools/pools.h"

namespace scoria::commands {

std::optional<Placement> place_at_once(Services& services, const Volume& volume, const VolumeType& type, const std::vector<PoolState>& pools) {
  if (services.scheduler == nullptr || pools.empty()) return std::nullopt;
  const auto decision = services.scheduler->place(scheduler::request_for(volume, type.extra_specs, {}), pools, services.random);
  if (decision.places.empty()) return std::nullopt;
  const scheduler::Place& best = decision.places.front();
  Placement out;
  out.backend = best.backend, out.pool = best.pool, out.bytes = best.taken.count;
  out.object = store::objects::first_name("volume", volume.id.text);
  return out;
}

void write_placement(db::Transaction& tx, const Placement& placement, const VolumeId& volume, const std::string& operation) {
  if (!MUTANT(placed_unwritten))
    store::objects::intend(tx, {.backend = placement.backend, .name = placement.object, .pool = placement.pool, .owner_type = "volume", .owner_id = volume.text,
                              .operation = operation, .epoch = 1, .size_bytes = placement.bytes});
  if (!MUTANT(placed_for_nothing)) store::pools::take(tx, placement.backend, placement.pool, placement.bytes, 1);
}

}  // namespace scoria::commands
