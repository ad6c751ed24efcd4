#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include "base/mutants.h"
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
    "  --hashes             print each seed's trace hash\n"
    "  --print-schedule     print what happens, step by step; for one seed\n"
    "  --keep-going         do not stop at the first failing seed\n";

struct Options {
  std::uint64_t seeds = 0, from = 1;
  int jobs = 1, mutant = 0;
  bool hashes = false, print = false, keep_going = false;
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
    else return std::nullopt;
  }
  if (out.seeds == 0 || out.jobs < 1) return std::nullopt;
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

int run(const Options& options) {
#ifdef SCORIA_MUTANTS
  active_mutant = static_cast<Mutant>(options.mutant);
#else
  if (options.mutant != 0) return std::fprintf(stderr, "scoria-sim: this build knows no mutants\n"), 2;
#endif
  int ends[2];
  if (::pipe(ends) != 0) return 2;
  const Instant begun = SystemClock{}.now();
  for (int job = 0; job < options.jobs; ++job) {
    const pid_t child = ::fork();
    if (child < 0) return 2;
    if (child == 0) ::_exit(run_share(options, job, ends[1]));
  }
  ::close(ends[1]);
  Counters all, one;
  while (::read(ends[0], &one, sizeof one) == sizeof one) all.add(one);
  int worst = 0;
  for (int job = 0, status = 0; job < options.jobs; ++job) {
    ::wait(&status);
    worst = std::max(worst, WIFEXITED(status) ? WEXITSTATUS(status) : 3);
  }
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
