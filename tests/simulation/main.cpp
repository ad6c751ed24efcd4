#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <optional>
#include <string>

#include "base/mutants.h"
#include "simulation/mutants.h"
#include "simulation/seed.h"

// scoria-sim: a cluster of the real code under a seeded scheduler. See docs/explanation/simulation.md.
namespace scoria::simulation {
namespace {

constexpr const char* usage =
    "scoria-sim --seeds N [--from S] [--jobs J] [--mutant K] [--hashes] [--print-schedule]\n"
    "  --seeds N            run N seeds …\n"
    "  --from S             … beginning with S (1)\n"
    "  --jobs J             in J processes at once (1)\n"
    "  --mutant K           with deliberate fault K switched on (base/mutants.h)\n"
    "scoria-sim --mutants [--within N] [--jobs J]\n"
    "                       each deliberate fault must be noticed within N seeds (2000), by the check named for it\n"
    "  --hashes             print each seed's trace hash\n"
    "  --print-schedule     print what happens, step by step; for one seed\n"
    "  --keep-going         do not stop at the first failing seed\n";

struct Options {
  std::uint64_t seeds = 0, from = 1;
  int jobs = 1, mutant = 0;
  std::uint64_t within = 2000;
  bool hashes = false, print = false, keep_going = false, mutants = false;
};

std::optional<Options> parse(int count, char** words) {
  Options out;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto number = [&]() -> std::uint64_t { return i + 1 < count ? std::strtoull(words[++i], nullptr, 10) : 0; };
    if (word == "--seeds") out.seeds = number();
    else if (word == "--from") out.from = number();
    else if (word == "--jobs") out.jobs = static_cast<int>(number());
    else if (word == "--mutant") out.mutant = static_cast<int>(number());
    else if (word == "--hashes") out.hashes = true;
    else if (word == "--print-schedule") out.print = true;
    else if (word == "--keep-going") out.keep_going = true;
    else if (word == "--mutants") out.mutants = true;
    else if (word == "--within") out.within = number();
    else return std::nullopt;
  }
  if ((out.seeds == 0 && !out.mutants) || out.jobs < 1) return std::nullopt;
  return out;
}

void print_failures(const Report& report) {
  std::printf("seed %llu FAILED:\n", static_cast<unsigned long long>(report.seed));
  for (const std::string& failure : report.failures) std::printf("  %s\n", failure.c_str());
  std::printf("  again, with its schedule: scoria-sim --seeds 1 --from %llu --print-schedule\n", static_cast<unsigned long long>(report.seed));
  std::fflush(stdout);
}

/// Runs every `jobs`-th seed, beginning with the `job`-th, and tells what it counted through `pipe`.
int run_share(const Options& options, int job, int pipe) {
  pin_to_processor(job);
  Counters counters;
  int failed = 0;
  for (std::uint64_t i = static_cast<std::uint64_t>(job); i < options.seeds; i += static_cast<std::uint64_t>(options.jobs)) {
    const Report report = run_seed(options.from + i, options.print);
    counters.add(report.counters);
    if (options.hashes) std::printf("seed %llu hash %016llx\n", static_cast<unsigned long long>(report.seed), static_cast<unsigned long long>(report.hash));
    if (report.failures.empty()) continue;
    ++failed;
    print_failures(report);
    if (!options.keep_going) break;
  }
  std::fflush(stdout);
  if (::write(pipe, &counters, sizeof counters) != sizeof counters) return 2;
  return failed > 0 ? 1 : 0;
}

bool set_mutant(Mutant mutant) {
#ifdef SCORIA_MUTANTS
  active_mutant = mutant;
  return true;
#else
  return mutant == Mutant::none;
#endif
}

/// Runs `share` in `jobs` processes and adds up what they counted. Gives the worst exit status; 3: one was aborted.
int in_processes(int jobs, Counters& all, const std::function<int(int job, int pipe)>& share) {
  int ends[2];
  if (::pipe(ends) != 0) return 2;
  std::fflush(stdout);
  for (int job = 0; job < jobs; ++job) {
    const pid_t child = ::fork();
    if (child < 0) return 2;
    if (child == 0) ::_exit(share(job, ends[1]));
  }
  ::close(ends[1]);
  Counters one;
  while (::read(ends[0], &one, sizeof one) == sizeof one) all.add(one);
  ::close(ends[0]);
  int worst = 0;
  for (int job = 0, status = 0; job < jobs; ++job) {
    ::wait(&status);
    worst = std::max(worst, WIFEXITED(status) ? WEXITSTATUS(status) : 3);
  }
  return worst;
}

/// One mutant: seeds until one fails as it should. 0 if it was noticed.
int hunt(const Options& options, const MutantCase& mutant) {
  set_mutant(mutant.mutant);
  for (std::uint64_t i = 0; i < options.within; ++i) {
    const Report report = run_seed(options.from + i, false);
    for (const std::string& failure : report.failures) {
      const std::string word = failure.substr(0, failure.find(':'));
      if ((std::string(" ") + mutant.noticed_by + " ").find(" " + word + " ") == std::string::npos) continue;
      std::printf("mutant %2d %-22s noticed by %-6s at seed %llu: %s\n", static_cast<int>(mutant.mutant), mutant.name, word.c_str(),
                  static_cast<unsigned long long>(report.seed), failure.substr(word.size() + 2, 110).c_str());
      return 0;
    }
  }
  std::printf("mutant %2d %-22s NOT NOTICED by %s in %llu seeds\n", static_cast<int>(mutant.mutant), mutant.name, mutant.noticed_by,
              static_cast<unsigned long long>(options.within));
  return 1;
}

int run_mutants(const Options& options) {
  if (!set_mutant(Mutant::no_epoch_guard)) return std::fprintf(stderr, "scoria-sim: this build has no mutants\n"), 2;
  Counters none;
  return in_processes(options.jobs, none, [&](int job, int) {
    pin_to_processor(job);
    int worst = 0, number = 0;
    for (const MutantCase& mutant : mutants())
      if (number++ % options.jobs == job) worst = std::max(worst, hunt(options, mutant)), std::fflush(stdout);
    return worst;
  });
}

int run(const Options& options) {
  if (options.mutants) return run_mutants(options);
  if (!set_mutant(static_cast<Mutant>(options.mutant))) return std::fprintf(stderr, "scoria-sim: this build has no mutants\n"), 2;
  const Instant begun = SystemClock{}.now();
  Counters all;
  const int worst = in_processes(options.jobs, all, [&](int job, int pipe) { return run_share(options, job, pipe); });
  const double seconds = static_cast<double>((SystemClock{}.now() - begun).count()) / 1e6;
  std::printf("%s\n%.1f s, %.1f seeds/s; %s\n", all.to_text().c_str(), seconds, static_cast<double>(all.seeds) / seconds,
              worst == 0 ? "clean" : worst == 3 ? "ABORTED" : "FAILED");
  return worst;
}

}  // namespace
}  // namespace scoria::simulation

int main(int count, char** words) {
  const auto options = scoria::simulation::parse(count, words);
  if (!options) return std::fputs(scoria::simulation::usage, stderr), 2;
  return scoria::simulation::run(*options);
}
