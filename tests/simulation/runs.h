#pragma once
#include <string>
#include <vector>

#include "simulation/cluster.h"
#include "simulation/options.h"
#include "simulation/shrink.h"

namespace scoria::simulation {

/// What a process that runs seeds, cases or races tells the one that started it.
struct Told {
  Counters counters;
  std::uint64_t run = 0, hash = 0;
  char text[80] = "";  // of a failed run: its first failure's first word; of a race: how it came out
  void say(const std::string& words);
};

/// "I9" of "I9: something": who noticed it.
std::string noticed_by(const std::string& failure);

/// False if this build has no mutants.
bool switch_on(Mutant mutant);

/// Runs these settings in a process of its own: its size if it fails with a failure noticed by one of `words` (separated by blanks), or
/// aborts and `words` has "aborted".
std::optional<Size> fails_by(const SeedConfig& config, const std::string& words);

/// Makes a failing run smaller and prints it as one command line; `command` begins it.
Shrunk shrink_and_print(const SeedConfig& failing, const std::string& words, const std::string& command, int most_runs);

/// Watch of a whole command: how much of it ran in which time.
class Watch {
 public:
  Watch();
  /// Counts, seconds, runs in a second and in a second of processor time, verdict.
  void print(const Counters& counters, int worst) const;

 private:
  Instant begun_;
  double processor_begun_;
};

/// Tasks; each gives the exit status.
int run_seeds(const Options& options);
int run_mutants(const Options& options);

}  // namespace scoria::simulation
