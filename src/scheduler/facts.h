#pragma once
#include "domain/pool.h"
#include "json/value.h"

namespace scoria::scheduler {

/// A pool as extra specs, queries and expressions see it: what it reports, and its numbers under Cinder's names
/// (free_capacity_gb, max_over_subscription_ratio, thin_provisioning_support …). Capacities are numbers with at most two
/// decimals, or "unknown" and "infinite".
json::Value facts_of(const PoolState& pool);

}  // namespace scoria::scheduler
