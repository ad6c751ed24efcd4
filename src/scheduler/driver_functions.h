#pragma once
#include "scheduler/expression.h"
#include "scheduler/filters.h"

namespace scoria::scheduler {

/// What filter_function and goodness_function may ask about: stats and capabilities (the pool's facts), volume (size in
/// GiB and what the request gives), extra (extra specs), qos. Numbers in texts are numbers. Refers to both arguments.
Variables variables_of(const Candidate& candidate, const PlacementRequest& request);

/// 0 … 100: how much the pool wants the volume. 0 without a goodness_function, or with one that cannot be evaluated.
double goodness_of(const Candidate& candidate, const PlacementRequest& request);

}  // namespace scoria::scheduler
