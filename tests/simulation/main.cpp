#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "simulation/mutants.h"
#include "simulation/races.h"
#include "simulation/seed.h"
#include "simulation/sweep.h"

// scoria-sim: a cluster of the real code under a seeded scheduler. See docs/explanation/simulation.md.
namespace scoria::simulation {
namespace {

constexpr const char* usage =
    "scoria-sim --seeds N [--from S] [--mutant K]   N seeds from S (1) on, with deliberate fault K (base/mutants.h)\n"
    "scoria-sim --seeds-of FILE                     the seeds that stand first on the lines of FILE\n"
    "scoria-sim --sweep [--every N] [--only CASE]   every operation kind × every failpoint on its path × {kill, pause, error, lost reply}\n"
    "scoria-sim --races [--seeds N]                 each race in N orders (200), with and without faults around it\n"
    "scoria-sim --mutants [--within N]              each deliberate fault must be noticed within N seeds (2000), by the check named for it\n"
    "  --jobs J             in J processes at once (1)\n"
    "  --keep-going         do not stop at the first failing seed\n"
    "  --print-schedule     print what happens, step by step; for one seed or case\n";

struct Options {
  std::vector<std::uint64_t> seeds;
  std::uint64_t count = 0, from = 1, within = 2000, only = 0, every = 1;
  int jobs = 1, mutant = 0;
  bool print = false, keep_going = false, mutants = false, sweep = false, races = false;
};

std::vector<std::uint64_t> seeds_of(const std::string& path) {
  std::vector<std::uint64_t> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') out.push_back(std::strtoull(line.c_str(), nullptr, 10));
  return out;
}

std::optional<Options> parse(int count, char** words) {
  Options out;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto text = [&]() -> std::string { return i + 1 < count ? words[++i] : ""; };
    const auto number = [&] { return std::strtoull(text().c_str(), nullptr, 10); };
    if (word == "--seeds") out.count = number();
    else if (word == "--seeds-of") out.seeds = seeds_of(text());
    else if (word == "--from") out.from = number();
    else if (word == "--jobs") out.jobs = static_cast<int>(number());
    else if (word == "--mutant") out.mutant = static_cast<int>(number());
    else if (word == "--mutants") out.mutants = true;
    else if (word == "--within") out.within = number();
    else if (word == "--races") out.races = true;
    else if (word == "--sweep") out.sweep = true;
    else if (word == "--every") out.every = number();
    else if (word == "--only") out.only = number();
    else if (word == "--print-schedule") out.print = true;
    else if (word == "--keep-going") out.keep_going = true;
    else return std::nullopt;
  }
  if (out.races && out.count == 0) out.count = 200;
  for (std::uint64_t i = 0; i < out.count; ++i) out.seeds.push_back(out.from + i);
  if ((out.seeds.empty() && !out.mutants && !out.sweep) || out.jobs < 1 || out.every < 1) return std::nullopt;
  return out;
}

/// What a process tells the one that started it.
struct Told {
  Counters counters;
  std::uint64_t seed = 0, hash = 0;
  char outcome[80] = "";  // of a race
};

extern "C" void __gcov_dump() __attribute__((weak));

/// Ends a forked process as ::_exit does; in a build that measures coverage, what was reached is kept.
[[noreturn]] void leave(int status) {
  std::fflush(stdout);
  if (__gcov_dump != nullptr) __gcov_dump();
  ::_exit(status);
}

/// Runs `share` in `jobs` processes and hands what they tell to `hear`. Gives the worst exit status; 3: one was aborted.
int in_processes(int jobs, const std::function<int(int job, const std::function<void(const Told&)>& tell)>& share, const std::function<void(const Told&)>& hear) {
  int ends[2];
  if (::pipe(ends) != 0) return 2;
  std::fflush(stdout);
  for (int job = 0; job < jobs; ++job) {
    const pid_t child = ::fork();
    if (child < 0) return 2;
    if (child != 0) continue;
    pin_to_processor(job);
    const int status = share(job, [&](const Told& told) {
      if (::write(ends[1], &told, sizeof told) != sizeof told) std::abort();
    });
    leave(status);
  }
  ::close(ends[1]);
  Told told;
  while (::read(ends[0], &told, sizeof told) == sizeof told) hear(told);
  ::close(ends[0]);
  int worst = 0;
  for (int job = 0, status = 0; job < jobs; ++job) {
    ::wait(&status);
    worst = std::max(worst, WIFEXITED(status) ? WEXITSTATUS(status) : 3);
  }
  return worst;
}

/// Runs `work` in a process of its own, so that no seed sees what another left in the program, and a bug that aborts it
/// is a failure of that seed alone. Gives its exit status; 3: aborted.
int apart(const std::function<int()>& work) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) return 2;
  if (child == 0) {
    const int status = work();
    leave(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

template <class T, class Work>
int share_out(const std::vector<T>& all, int job, int jobs, const Work& work) {
  for (std::size_t i = static_cast<std::size_t>(job); i < all.size(); i += static_cast<std::size_t>(jobs))
    if (const int status = work(all[i]); status != 0) return status;
  return 0;
}

void print_failures(const Report& report) {
  std::printf("seed %llu FAILED:\n", static_cast<unsigned long long>(report.seed));
  for (const std::string& failure : report.failures) std::printf("  %s\n", failure.c_str());
  std::printf("  its schedule: scoria-sim --seeds 1 --from %llu --print-schedule\n", static_cast<unsigned long long>(report.seed));
  std::fflush(stdout);
}

bool set_mutant(Mutant mutant) {
#ifdef SCORIA_MUTANTS
  active_mutant = mutant;
  return true;
#else
  return mutant == Mutant::none;
#endif
}

void print_result(const Counters& counters, Instant begun, int worst) {
  const double seconds = static_cast<double>((SystemClock{}.now() - begun).count()) / 1e6;
  std::printf("%s\n%.1f s, %.1f runs/s; %s\n", counters.to_text().c_str(), seconds, static_cast<double>(counters.seeds) / seconds,
              worst == 0 ? "clean" : worst == 3 ? "ABORTED" : "FAILED");
}

/// The same seed must take the same way in another process: every tenth is run again.
int compare_hashes(const Options& options, const std::vector<Told>& first) {
  return in_processes(
      options.jobs,
      [&](int job, const auto&) {
        return share_out(first, job, options.jobs, [](const Told& told) {
          return apart([&] {
            if (run_seed(told.seed, false).hash == told.hash) return 0;
            std::printf("seed %llu took another way in another process\n", static_cast<unsigned long long>(told.seed));
            return 1;
          });
        });
      },
      [](const Told&) {});
}

int run_seeds(const Options& options) {
  if (!set_mutant(static_cast<Mutant>(options.mutant))) return std::fprintf(stderr, "scoria-sim: this build has no mutants\n"), 2;
  const Instant begun = SystemClock{}.now();
  Counters all;
  std::vector<Told> tenths;
  int worst = in_processes(
      options.jobs,
      [&](int job, const auto& tell) {
        int share_worst = 0;
        share_out(options.seeds, job, options.jobs, [&](std::uint64_t seed) {
          const int status = apart([&] {
            const Report report = run_seed(seed, options.print);
            tell({report.counters, report.seed, report.hash});
            if (report.failures.empty()) return 0;
            print_failures(report);
            return 1;
          });
          if (status == 3) std::printf("seed %llu ABORTED\n", static_cast<unsigned long long>(seed));
          share_worst = std::max(share_worst, status);
          return options.keep_going ? 0 : status;
        });
        return share_worst;
      },
      [&](const Told& told) {
        all.add(told.counters);
        if (told.seed % 10 == 0) tenths.push_back(told);
      });
  if (worst == 0) worst = compare_hashes(options, tenths);
  print_result(all, begun, worst);
  std::printf("%zu seeds ran twice, with the same trace in two processes\n", worst == 0 ? tenths.size() : 0);
  return worst;
}

/// Every case of the sweep, or each n-th; --only runs one, by its number.
int run_sweep(const Options& options) {
  const Instant begun = SystemClock{}.now();
  const Sweep sweep;
  for (const std::string& problem : sweep.problems()) std::printf("sweep: %s\n", problem.c_str());
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < sweep.cases().size(); ++i)
    if (options.only > 0 ? i + 1 == options.only : i % options.every == 0) wanted.push_back(i);
  Counters all;
  int worst = in_processes(
      options.jobs,
      [&](int job, const auto& tell) {
        int share_worst = 0;
        share_out(wanted, job, options.jobs, [&](std::size_t i) {
          const int status = apart([&] {
            Counters counters;
            const auto failures = sweep.run(sweep.cases()[i], options.print, counters);
            tell({counters, 0, 0});
            for (const std::string& failure : failures) std::printf("  %s\n", failure.c_str());
            return failures.empty() ? 0 : 1;
          });
          if (status != 0) std::printf("case %zu %s: %s\n", i + 1, status == 3 ? "ABORTED" : "FAILED", sweep.describe(sweep.cases()[i]).c_str());
          share_worst = std::max(share_worst, status);
          return 0;
        });
        return share_worst;
      },
      [&](const Told& told) { all.add(told.counters); });
  if (!sweep.problems().empty()) worst = std::max(worst, 1);
  std::printf("%zu of %s\n", wanted.size(), sweep.summary().c_str());
  print_result(all, begun, worst);
  return worst;
}

/// One race: 0 if all its seeds are clean and it came out in as many ways as it should.
int run_race(const Options& options, const Scenario& race, Counters& all) {
  std::map<std::string, int> outcomes;
  int worst = in_processes(
      options.jobs,
      [&](int job, const auto& tell) {
        int share_worst = 0;
        share_out(options.seeds, job, options.jobs, [&](std::uint64_t seed) {
          const int status = apart([&] {
            const RaceReport ran = run_race(race, seed, options.print);
            Told told{ran.report.counters, seed, ran.report.hash, ""};
            ran.outcome.copy(told.outcome, sizeof told.outcome - 1);
            tell(told);
            for (const std::string& failure : ran.report.failures) std::printf("  seed %llu: %s\n", static_cast<unsigned long long>(seed), failure.c_str());
            return ran.report.failures.empty() ? 0 : 1;
          });
          if (status == 3) std::printf("  seed %llu ABORTED\n", static_cast<unsigned long long>(seed));
          share_worst = std::max(share_worst, status);
          return 0;
        });
        return share_worst;
      },
      [&](const Told& told) {
        all.add(told.counters);
        ++outcomes[told.outcome];
      });
  std::string ways;
  for (const auto& [outcome, times] : outcomes) ways += fmt::format("{}{}: {}", ways.empty() ? "" : ", ", outcome, times);
  if (static_cast<int>(outcomes.size()) < race.orders) worst = std::max(worst, 1);
  std::printf("%s %s\n     %s\n", worst == 0 ? "ok  " : "FAIL", race.name, ways.c_str());
  return worst;
}

int run_races(const Options& options) {
  if (!set_mutant(static_cast<Mutant>(options.mutant))) return std::fprintf(stderr, "scoria-sim: this build has no mutants\n"), 2;
  const Instant begun = SystemClock{}.now();
  Counters all;
  int worst = 0;
  for (const Scenario& scenario : scenarios())
    if (scenario.orders > 0) worst = std::max(worst, run_race(options, scenario, all));
  print_result(all, begun, worst);
  return worst;
}

bool notices(const MutantCase& mutant, const std::string& failure) {
  const std::string word = failure.substr(0, failure.find(':'));
  return (std::string(" ") + mutant.noticed_by + " ").find(" " + word + " ") != std::string::npos;
}

/// One mutant: seeds until one fails as it should. 0 if it was noticed.
int hunt(const Options& options, const MutantCase& mutant) {
  set_mutant(mutant.mutant);
  for (std::uint64_t seed = options.from; seed < options.from + options.within; ++seed) {
    const int status = apart([&] {
      for (const std::string& failure : run_seed(seed, false).failures) {
        if (!notices(mutant, failure)) continue;
        std::printf("mutant %2d %-22s noticed at seed %llu: %s\n", static_cast<int>(mutant.mutant), mutant.name, static_cast<unsigned long long>(seed),
                    failure.substr(0, 120).c_str());
        return 1;
      }
      return 0;
    });
    if (status == 1) return 0;
  }
  std::printf("mutant %2d %-22s NOT NOTICED by %s in %llu seeds\n", static_cast<int>(mutant.mutant), mutant.name, mutant.noticed_by,
              static_cast<unsigned long long>(options.within));
  return 1;
}

int run_mutants(const Options& options) {
  if (!set_mutant(Mutant::no_epoch_guard)) return std::fprintf(stderr, "scoria-sim: this build has no mutants\n"), 2;
  const std::vector<MutantCase> all(mutants().begin(), mutants().end());
  return in_processes(
      options.jobs,
      [&](int job, const auto&) {
        int worst = 0;
        share_out(all, job, options.jobs, [&](const MutantCase& mutant) { return worst = std::max(worst, hunt(options, mutant)), 0; });
        return worst;
      },
      [](const Told&) {});
}

}  // namespace
}  // namespace scoria::simulation

int main(int count, char** words) {
  using namespace scoria::simulation;
  const auto options = parse(count, words);
  if (!options) return std::fputs(usage, stderr), 2;
  if (options->races) return run_races(*options);
  if (options->sweep) return run_sweep(*options);
  return options->mutants ? run_mutants(*options) : run_seeds(*options);
}
