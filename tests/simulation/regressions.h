#pragma once
#include <string>
#include <vector>

#include "simulation/config.h"

namespace scoria::simulation {

/// A run that failed once: a line "SEED [SETTING=VALUE…] # why".
struct Regression {
  SeedConfig config;
  std::string why;
};
/// Throws std::invalid_argument with the line that is not one, or if there is no such file.
std::vector<Regression> read_regressions(const std::string& path);
/// As read_regressions() reads it: the settings in which the run differs from what its seed draws.
std::string line_of(const Regression& regression);

}  // namespace scoria::simulation
