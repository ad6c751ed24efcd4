#include <algorithm>
#include <cstdio>
#include <map>
#include <string>

#include "simulation/processes.h"
#include "simulation/races.h"
#include "simulation/runs.h"
#include "simulation/sweep.h"

// scoria-sim: a cluster of the real code under a seeded scheduler. See docs/explanation/simulation.md.
namespace scoria::simulation {
namespace {

constexpr const char* usage =
    "scoria-sim --seeds N [--from S]                N seeds from S (1) on; what fails is made smaller and printed as one command\n"
    "scoria-sim --seed S [--set \"NAME=VALUE …\"]    one seed, with other settings than it draws (--print-schedule shows what it draws)\n"
    "scoria-sim --seeds-of FILE                     the runs of FILE: a seed and settings on each line\n"
    "scoria-sim --sweep [--every N] [--only CASE]   every operation kind × every failpoint on its path × {kill, pause, error, lost reply}\n"
    "scoria-sim --races [--seeds N]                 each race in N orders (200), with and without faults around it\n"
    "scoria-sim --mutants [--within N]              each deliberate fault must be noticed within N seeds (2000), by the check named for it\n"
    "  --mutant NAME        with this deliberate fault (base/mutants.h; debug builds); of --mutants only these, separated by commas\n"
    "  --jobs J             in J processes at once (1)\n"
    "  --keep-going         do not stop at the first failing seed\n"
    "  --as-is, --shrink    do not make failing seeds smaller; make mutants' seeds smaller, too\n"
    "  --shrink-runs N      at most N tries for it (200)\n"
    "  --keep FILE          add the smallest failing runs to FILE\n"
    "  --print-schedule     print what happens, step by step; for one seed or case\n";

/// Every case of the sweep, or each n-th; --only runs one, by its number.
int run_sweep(const Options& options) {
  const Watch watch;
  const Sweep sweep;
  for (const std::string& problem : sweep.problems()) std::printf("sweep: %s\n", problem.c_str());
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < sweep.cases().size(); ++i)
    if (options.only > 0 ? i + 1 == options.only : i % options.every == 0) wanted.push_back(i);
  Counters all;
  int worst = in_processes<Told>(
      options.jobs,
      [&](int job, const auto& tell) {
        int share_worst = 0;
        share_out(wanted, job, options.jobs, [&](std::size_t i) {
          const int status = apart([&] {
            Counters counters;
            const auto failures = sweep.run(sweep.cases()[i], options.print, counters);
            tell({counters});
            for (const std::string& failure : failures) std::printf("  %s\n", failure.c_str());
            return failures.empty() ? 0 : 1;
          });
          if (status != 0) std::printf("case %zu %s: %s\n", i + 1, status == aborted ? "ABORTED" : "FAILED", sweep.describe(sweep.cases()[i]).c_str());
          share_worst = std::max(share_worst, status);
          return 0;
        });
        return share_worst;
      },
      [&](const Told& told) { all.add(told.counters); });
  if (!sweep.problems().empty()) worst = std::max(worst, 1);
  std::printf("%zu of %s\n", wanted.size(), sweep.summary().c_str());
  watch.print(all, worst);
  return worst;
}

/// One race: 0 if all its seeds are clean and it came out in as many ways as it should.
int run_race(const Options& options, const Scenario& race, Counters& all) {
  std::map<std::string, int> outcomes;
  int worst = in_processes<Told>(
      options.jobs,
      [&](int job, const auto& tell) {
        int share_worst = 0;
        share_out(options.seeds, job, options.jobs, [&](std::uint64_t seed) {
          const int status = apart([&] {
            const RaceReport ran = run_race(race, seed, options.print);
            Told told{ran.report.counters, seed, ran.report.hash};
            told.say(ran.outcome);
            tell(told);
            for (const std::string& failure : ran.report.failures) std::printf("  seed %llu: %s\n", static_cast<unsigned long long>(seed), failure.c_str());
            return ran.report.failures.empty() ? 0 : 1;
          });
          if (status == aborted) std::printf("  seed %llu ABORTED\n", static_cast<unsigned long long>(seed));
          share_worst = std::max(share_worst, status);
          return 0;
        });
        return share_worst;
      },
      [&](const Told& told) {
        all.add(told.counters);
        ++outcomes[told.text];
      });
  std::string ways;
  for (const auto& [outcome, times] : outcomes) ways += fmt::format("{}{}: {}", ways.empty() ? "" : ", ", outcome, times);
  if (static_cast<int>(outcomes.size()) < race.orders) worst = std::max(worst, 1);
  std::printf("%s %s\n     %s\n", worst == 0 ? "ok  " : "FAIL", race.name, ways.c_str());
  return worst;
}

int run_races(const Options& options) {
  const Watch watch;
  Counters all;
  int worst = 0;
  for (const Scenario& scenario : scenarios())
    if (scenario.orders > 0) worst = std::max(worst, run_race(options, scenario, all));
  watch.print(all, worst);
  return worst;
}

}  // namespace
}  // namespace scoria::simulation

int main(int count, char** words) {
  using namespace scoria::simulation;
  std::string problem;
  const auto options = parse({words + 1, words + count}, problem);
  if (!options) {
    if (!problem.empty()) std::fprintf(stderr, "scoria-sim: %s\n", problem.c_str());
    return std::fputs(usage, stderr), 2;
  }
  switch (options->task) {
    case Options::Task::races: return run_races(*options);
    case Options::Task::sweep: return run_sweep(*options);
    case Options::Task::mutants: return run_mutants(*options);
    case Options::Task::seeds: return run_seeds(*options);
  }
}
