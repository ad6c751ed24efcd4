#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "scheduler/filters.h"

namespace scoria::scheduler {

/// Multipliers by the names that cinder.conf gives them.
struct Multipliers {
  double capacity = 1.0;            // capacity_weight_multiplier
  double allocated_capacity = -1.0; // allocated_capacity_weight_multiplier
  double chance = 1.0;
  double goodness = 1.0;            // goodness_weight_multiplier
  double volume_number = -1.0;      // volume_number_multiplier
};

struct Weigher {
  std::string_view name;
  double Multipliers::*multiplier;
  /// The raw weights, one for each candidate.
  std::vector<double> (*weigh)(std::span<const Candidate> candidates, const PlacementRequest& request, Random& random);
};

std::span<const Weigher> known_weighers();

/// Raw weights scaled so that the smallest is 0 and the largest 1; all 0 when they are equal.
std::vector<double> scaled(std::vector<double> weights);

}  // namespace scoria::scheduler
