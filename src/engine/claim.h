#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/claim_limits.h"
#include "engine/kind.h"

namespace scoria::engine {

/// Claims up to `limit` ready operations of these queues for incarnation `inc`: raises their epoch, copies the backend's
/// generation, reads their claims. Most urgent first. A frozen backend's queue yields only cancels and priority release.
/// Of kinds and versions that `kinds` does not know it takes none.
std::vector<Operation> claim(db::Database& database, const Clock& clock, const Kinds& kinds, std::int64_t inc, std::span<const std::string> queues, std::size_t limit,
                             const ClaimLimits& limits = {});

}  // namespace scoria::engine
