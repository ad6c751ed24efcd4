#pragma once
#include <functional>
#include <optional>

#include "simulation/config.h"

namespace scoria::simulation {

/// What a run that failed as it should came to.
struct Size {
  std::uint64_t faults = 0, requests = 0;
};
/// Runs these settings; its size if they fail in the same way as the run that is made smaller, else nothing.
using Try = std::function<std::optional<Size>(const SeedConfig& config)>;

struct Shrunk {
  SeedConfig config;
  Size size;
  int runs = 0;
};

/// Makes a failing run smaller as long as it fails: kinds of faults and requests off, fewer clients, requests and nodes, less time, plain
/// settings, and at last single faults left out. What is left out changes what the seed decides afterwards, so each step is tried in
/// several orders of things. At most `most_runs` tries.
Shrunk shrink(const SeedConfig& failing, const Size& size, const Try& fails, int most_runs);

}  // namespace scoria::simulation
