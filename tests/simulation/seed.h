#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "simulation/cluster.h"

namespace scoria::simulation {

struct Report {
  std::uint64_t seed = 0, hash = 0;
  std::vector<std::string> failures;
  Counters counters;
};

/// One seed: a cluster under load and faults, then healing, quiet, and every check.
Report run_seed(const SeedConfig& config, bool print);

}  // namespace scoria::simulation
