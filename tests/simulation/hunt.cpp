#include <fmt/core.h>

#include <algorithm>
#include <cstdio>

#include "simulation/processes.h"
#include "simulation/runs.h"

namespace scoria::simulation {
namespace {

/// Those asked for by name or number; all, if none is.
std::vector<MutantCase> wanted(const Options& options) {
  std::vector<MutantCase> out;
  const std::string list = "," + options.mutants + ",";
  for (const MutantCase& one : mutants())
    if (options.mutants.empty() || list.find(fmt::format(",{},", one.name)) != std::string::npos ||
        list.find(fmt::format(",{},", static_cast<int>(one.mutant))) != std::string::npos)
      out.push_back(one);
  return out;
}

/// One mutant: seeds until one fails as it should, which must be clean without the mutant. 0 if so.
int hunt(const Options& options, const MutantCase& mutant) {
  const double begun = processor_seconds();
  for (std::uint64_t seed = 1; seed <= options.within; ++seed) {
    const SeedConfig config = SeedConfig::draw(seed);
    switch_on(mutant.mutant);
    if (!fails_by(config, mutant.noticed_by)) continue;
    switch_on(Mutant::none);
    const bool clean = !fails_by(config, mutant.noticed_by);
    std::printf("mutant %2d %-22s noticed by %s at seed %llu, after %.0f s of a processor; without it that seed %s\n", static_cast<int>(mutant.mutant), mutant.name,
                mutant.noticed_by, static_cast<unsigned long long>(seed), processor_seconds() - begun, clean ? "is clean" : "FAILS AS WELL");
    std::fflush(stdout);
    switch_on(mutant.mutant);
    if (options.shrink.value_or(false)) shrink_and_print(config, mutant.noticed_by, fmt::format("scoria-sim --mutant {}", mutant.name), options.shrink_runs);
    return clean ? 0 : 1;
  }
  std::printf("mutant %2d %-22s NOT NOTICED by %s in %llu seeds\n", static_cast<int>(mutant.mutant), mutant.name, mutant.noticed_by,
              static_cast<unsigned long long>(options.within));
  std::fflush(stdout);
  return 1;
}

}  // namespace

int run_mutants(const Options& options) {
  if (!switch_on(Mutant::no_epoch_guard)) return std::fprintf(stderr, "scoria-sim: this build has no mutants\n"), 2;
  const std::vector<MutantCase> cases = wanted(options);
  if (cases.empty()) return std::fprintf(stderr, "scoria-sim: there is no such mutant\n"), 2;
  int noticed = 0;
  const int worst = in_processes<int>(
      options.jobs,
      [&](int job, const auto& tell) {
        int share_worst = 0;
        share_out(cases, job, options.jobs, [&](const MutantCase& mutant) {
          const int status = hunt(options, mutant);
          tell(status);
          share_worst = std::max(share_worst, status);
          return 0;
        });
        return share_worst;
      },
      [&](const int& status) { noticed += status == 0 ? 1 : 0; });
  std::printf("%d of %zu mutants noticed within %llu seeds, each by the check named for it\n", noticed, cases.size(), static_cast<unsigned long long>(options.within));
  return worst;
}

}  // namespace scoria::simulation
