#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulation/config.h"
#include "simulation/mutants.h"

namespace scoria::simulation {

/// The command line of scoria-sim.
struct Options {
  enum class Task { seeds, sweep, races, mutants };
  Task task = Task::seeds;
  std::vector<std::uint64_t> seeds;  // of races
  std::vector<SeedConfig> runs;      // of seeds
  std::uint64_t within = 2000, only = 0, every = 1;
  std::string mutants;  // names or numbers, separated by commas; empty: none, with Task::mutants all
  std::string keep;     // the file that smallest failing runs are added to
  int jobs = 1, shrink_runs = 200;
  bool print = false, keep_going = false;
  std::optional<bool> shrink;  // failing seeds are made smaller unless told not to, mutants only if told to
};

/// Nothing: not understood; `problem` says why, if there is more to say than the usage.
std::optional<Options> parse(const std::vector<std::string>& words, std::string& problem);

}  // namespace scoria::simulation
