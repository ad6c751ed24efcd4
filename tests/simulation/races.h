#pragma once
#include "simulation/scenarios.h"
#include "simulation/seed.h"

namespace scoria::simulation {

/// A race under one seed: another order of events, and in three seeds of four other faults around it.
struct RaceReport {
  Report report;
  std::string outcome;
};
RaceReport run_race(const Scenario& race, std::uint64_t seed, bool print);

}  // namespace scoria::simulation
