#include "simulation/runs.h"

#include <fmt/core.h>

#include <cstdio>

#include "simulation/chaos.h"
#include "simulation/processes.h"
#include "simulation/regressions.h"
#include "simulation/seed.h"

namespace scoria::simulation {
namespace {

constexpr int most_shrunk = 3;  // failing runs of one command

/// Does a word of `words` stand for what noticed this failure?
bool has_word(const std::string& words, const std::string& failure) {
  return (" " + words + " ").find(" " + noticed_by(failure) + " ") != std::string::npos;
}

std::string command_for(const SeedConfig& config, const std::string& command) {
  const std::string changes = config.changes_from(SeedConfig::draw(config.seed));
  return fmt::format("{} --seed {}{}", command, config.seed, changes.empty() ? "" : " --set \"" + changes + "\"");
}

void print_failures(const Report& report, const SeedConfig& config) {
  std::printf("seed %llu FAILED:\n", static_cast<unsigned long long>(config.seed));
  for (const std::string& failure : report.failures) std::printf("  %s\n", failure.c_str());
  std::printf("  its schedule: %s --print-schedule\n", command_for(config, "scoria-sim").c_str());
  std::fflush(stdout);
}

/// The same settings must take the same way in another process: every tenth run goes there, too.
int compare_hashes(const Options& options, const std::vector<Told>& first) {
  return in_processes<Told>(
      options.jobs,
      [&](int job, const auto&) {
        return share_out(first, job, options.jobs, [&](const Told& told) {
          return apart([&] {
            const SeedConfig& config = options.runs[told.run];
            if (run_seed(config, false).hash == told.hash) return 0;
            std::printf("seed %llu took another way in another process\n", static_cast<unsigned long long>(config.seed));
            return 1;
          });
        });
      },
      [](const Told&) {});
}

int run_and_tell(const SeedConfig& config, std::size_t run, bool print, const std::function<void(const Told&)>& tell) {
  const Report report = run_seed(config, print);
  Told told{report.counters, run, report.hash};
  if (!report.failures.empty()) told.say(noticed_by(report.failures.front()));
  tell(told);
  if (report.failures.empty()) return 0;
  print_failures(report, config);
  return 1;
}

void make_smaller(const Options& options, const SeedConfig& config, const std::string& word) {
  const std::string command = options.mutants.empty() ? "scoria-sim" : "scoria-sim --mutant " + options.mutants;
  const Shrunk shrunk = shrink_and_print(config, word, command, options.shrink_runs);
  if (options.keep.empty()) return;
  if (FILE* const file = std::fopen(options.keep.c_str(), "a")) {
    std::fprintf(file, "%s\n", line_of({shrunk.config, word + ": the reason is not known yet"}).c_str());
    std::fclose(file);
  }
}

}  // namespace

void Told::say(const std::string& words) { words.copy(text, sizeof text - 1); }

std::string noticed_by(const std::string& failure) { return failure.substr(0, failure.find(':')); }

bool switch_on([[maybe_unused]] Mutant mutant) {
#ifdef SCORIA_MUTANTS
  active_mutant = mutant;
  return true;
#else
  return mutant == Mutant::none;
#endif
}

Watch::Watch() : begun_(SystemClock{}.now()), processor_begun_(processor_seconds()) {}

void Watch::print(const Counters& counters, int worst) const {
  const double seconds = static_cast<double>((SystemClock{}.now() - begun_).count()) / 1e6, processor = processor_seconds() - processor_begun_;
  const auto runs = static_cast<double>(counters.seeds);
  std::printf("%s\n", counters.to_text().c_str());
  std::string struck;
  for (std::size_t i = 0; i < nemeses().size(); ++i)
    if (counters.struck[i] > 0) struck += fmt::format("{}{}: {}", struck.empty() ? "" : ", ", nemeses()[i].name, counters.struck[i]);
  if (!struck.empty()) std::printf("%s\n", struck.c_str());
  std::printf("%.1f s, %.1f s of processors: %.2f runs/s, %.2f runs/s and core; %s\n", seconds, processor, runs / seconds, runs / processor,
              worst == 0 ? "clean" : worst == aborted ? "ABORTED" : "FAILED");
}

std::optional<Size> fails_by(const SeedConfig& config, const std::string& words) {
  const Pipe pipe;
  const int status = apart([&] {
    const Report report = run_seed(config, false);
    for (const std::string& failure : report.failures) {
      if (!has_word(words, failure)) continue;
      const Size size{report.counters.faults, report.counters.commands};
      pipe.tell(&size, sizeof size);
      return 1;
    }
    return 0;
  });
  if (status == aborted && has_word(words, "aborted")) return Size{};
  Size size;
  if (status != 1 || !pipe.hear(&size, sizeof size)) return std::nullopt;
  return size;
}

Shrunk shrink_and_print(const SeedConfig& failing, const std::string& words, const std::string& command, int most_runs) {
  const auto size = fails_by(failing, words);
  const Shrunk out = shrink(failing, size.value_or(Size{}), [&](const SeedConfig& config) { return fails_by(config, words); }, most_runs);
  const auto text = [](const SeedConfig& config, const Size& of) {
    const std::size_t kept = config.faults.empty() ? of.faults : config.faults == "0" ? 0 : numbers_of(config.faults).size();
    return fmt::format("{} nodes, {} clients, {} requests, {} faults", config.nodes, config.clients, of.requests, kept);
  };
  std::printf("  smaller, after %d runs: from %s to %s:\n  %s\n", out.runs, text(failing, size.value_or(Size{})).c_str(), text(out.config, out.size).c_str(),
              command_for(out.config, command).c_str());
  std::fflush(stdout);
  return out;
}

int run_seeds(const Options& options) {
  const auto mutant = options.mutants.empty() ? std::optional(Mutant::none) : mutant_called(options.mutants);
  if (!mutant || !switch_on(*mutant)) return std::fprintf(stderr, "scoria-sim: this build has no such mutant\n"), 2;
  const Watch watch;
  Counters all;
  std::vector<Told> tenths;
  std::vector<std::pair<std::size_t, std::string>> failed;
  std::vector<std::size_t> numbers(options.runs.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
  int worst = in_processes<Told>(
      options.jobs,
      [&](int job, const auto& tell) {
        int share_worst = 0;
        share_out(numbers, job, options.jobs, [&](std::size_t run) {
          const int status = apart([&] { return run_and_tell(options.runs[run], run, options.print, tell); });
          if (status == aborted) {
            std::printf("seed %llu ABORTED\n", static_cast<unsigned long long>(options.runs[run].seed));
            Told told{.run = run};
            told.say("aborted");
            tell(told);
          }
          share_worst = std::max(share_worst, status);
          return options.keep_going ? 0 : status;
        });
        return share_worst;
      },
      [&](const Told& told) {
        all.add(told.counters);
        if (told.text[0] != '\0') failed.emplace_back(told.run, told.text);
        else if (options.runs[told.run].seed % 10 == 0) tenths.push_back(told);
      });
  if (worst == 0) worst = compare_hashes(options, tenths);
  watch.print(all, worst);
  if (worst == 0) std::printf("%zu seeds ran twice, with the same trace in two processes\n", tenths.size());
  for (std::size_t i = 0; options.shrink.value_or(true) && i < failed.size() && i < most_shrunk; ++i) make_smaller(options, options.runs[failed[i].first], failed[i].second);
  return worst;
}

}  // namespace scoria::simulation
