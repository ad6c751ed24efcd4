#pragma once
#include <optional>

#include "commands/services.h"
#include "domain/types/volume_type.h"
#include "domain/volumes/shapes.h"
#include "domain/volumes/volume.h"
#include "store/pools/pool_state.h"

namespace scoria::commands {

/// The guard that fails when somebody else took the room: `store::pools::take`.
inline constexpr std::string_view pool_full = "pool.full";

/// Where an empty volume goes, decided as it is asked for: on the pools as just seen. Nothing: its operation finds out, and says why not.
std::optional<Placement> place_at_once(Services& services, const Volume& volume, const VolumeType& type, const std::vector<PoolState>& pools);

/// Writes what the operation's own step `place` would have: the object in the ledger, its room in the pool. Guard `pool_full`; last in its
/// transaction, since everybody who places waits for the pool's row.
void write_placement(db::Transaction& tx, const Placement& placement, const VolumeId& volume, const std::string& operation);

}  // namespace scoria::commands
