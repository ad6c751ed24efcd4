#pragma once
#include <vector>

#include "domain/pool.h"
#include "store/pools/pools.h"

namespace scoria::store::pools {

/// A pool's row as the scheduler sees it.
PoolState to_state(const Pool& pool);
std::vector<PoolState> all_states(db::Transaction& tx);

}  // namespace scoria::store::pools
