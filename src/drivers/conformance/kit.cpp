#include "drivers/conformance/kit.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/failpoint.h"
#include "drivers/conformance/bench.h"
#include "drivers/proofs.h"
#include "os/files.h"

namespace scoria::drivers::conformance {
namespace {

std::vector<CheckEntry> all_checks(bool nodes) {
  if (nodes) return three_node_checks();
  std::vector<CheckEntry> out;
  for (const auto& part : {life_checks(), content_checks(), copy_checks(), concurrency_checks(), crash_checks(), fence_checks()})
    out.insert(out.end(), part.begin(), part.end());
  return out;
}

std::vector<std::string> names_of(const std::vector<CheckEntry>& entries) {
  std::vector<std::string> out;
  for (const CheckEntry& check : entries) out.emplace_back(check.name);
  return out;
}

/// The check itself, then the look for what it left.
void carry_out(const Subject& subject, const CheckEntry& check, std::uint64_t seed, int number) {
  Bench bench(subject, seed, number);
  try {
    check.function(bench);
  } catch (const std::exception&) {
    // What a failed or skipped check leaves must not fail the next ones.
    failpoint::disarm_all();
    bench.renew();
    bench.tidy_up();
    throw;
  }
  failpoint::disarm_all();
  bench.renew();
  expect(bench.tidy_up(), "what the check made cannot be removed");
  bench.expect_clean();
}

CheckResult one(const Subject& subject, const CheckEntry& check, std::uint64_t seed, int number) {
  CheckResult result{.check = check.name};
  const Instant begin = subject.clock->now();
  try {
    carry_out(subject, check, seed, number);
  } catch (const CheckSkipped& skipped) {
    result.verdict = Verdict::skipped;
    result.message = skipped.what();
  } catch (const std::exception& failure) {
    result.verdict = Verdict::failed;
    result.message = failure.what();
  }
  result.took = subject.clock->now() - begin;
  return result;
}

struct Arguments {
  std::string driver;
  Options options;
  RunOptions run;
  bool list = false;
  std::string report;  // where the proof goes
};

Arguments parse(int argc, char** argv) {
  Arguments out;
  const auto value = [&](int& i) -> std::string {
    if (i + 1 >= argc) throw std::invalid_argument(fmt::format("{} needs a value", argv[i]));
    return argv[++i];
  };
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--driver") out.driver = value(i);
    else if (argument == "--only") out.run.only.push_back(value(i));
    else if (argument == "--seed") out.run.seed = std::strtoull(value(i).c_str(), nullptr, 10);
    else if (argument == "--list") out.list = true;
    else if (argument == "--nodes") out.run.nodes = true;
    else if (argument == "--report") out.report = value(i);
    else if (argument == "--option") {
      const std::string pair = value(i);
      const std::size_t equals = pair.find('=');
      if (equals == std::string::npos) throw std::invalid_argument(fmt::format("--option takes KEY=VALUE, not '{}'", pair));
      out.options.emplace(pair.substr(0, equals), pair.substr(equals + 1));
    } else {
      throw std::invalid_argument(fmt::format("unknown argument '{}'", argument));
    }
  }
  return out;
}

void print(const CheckResult& result) {
  const char* const words[] = {"ok", "FAILED", "skipped"};
  fmt::print("{:<8} {} ({} ms){}{}\n", words[static_cast<int>(result.verdict)], result.check, result.took.count() / 1000, result.message.empty() ? "" : ": ",
             result.message);
  std::fflush(stdout);
}

/// One line for each failpoint, so that several runs can be put together.
void print_reached(const Subject& subject) {
  for (const failpoint::Site* site : failpoint::sites())
    if (!subject.failpoints.empty() && std::string_view(site->name).starts_with(subject.failpoints))
      fmt::print("point    {} {}\n", site->name, subject.reached->contains(site->name) ? "reached" : "not reached");
}

/// All checks of several nodes passed: says so, and writes it down.
bool prove(const Subject& subject, const std::vector<CheckResult>& results, const Arguments& arguments) {
  const bool proved = results.size() == node_checks().size() &&
                      std::all_of(results.begin(), results.end(), [](const CheckResult& result) { return result.verdict == Verdict::passed; });
  const std::string version = subject.make()->version();
  if (!proved) {
    fmt::print("not proved: nodes of a cluster use driver {} {} one at a time\n", subject.name, version);
    return false;
  }
  fmt::print("proof    {} {} {}\n", subject.name, version, proof_of(subject.name, version));
  if (!arguments.report.empty()) os::write_file_atomically(arguments.report, proof_report(subject.name, version, arguments.run.seed) + "\n", 0644);
  return true;
}

}  // namespace

std::vector<std::string> checks() { return names_of(all_checks(false)); }

std::vector<CheckResult> run(const Subject& subject, const RunOptions& options) {
  std::vector<CheckResult> out;
  int number = 0;
  for (const CheckEntry& check : all_checks(options.nodes)) {
    ++number;
    if (!options.only.empty() && std::find(options.only.begin(), options.only.end(), check.name) == options.only.end()) continue;
    out.push_back(one(subject, check, options.seed, number));
    if (options.report) options.report(out.back());
  }
  return out;
}

bool all_passed(const std::vector<CheckResult>& results) {
  return std::none_of(results.begin(), results.end(), [](const CheckResult& result) { return result.verdict == Verdict::failed; });
}

int command(int argc, char** argv, const std::map<std::string, SubjectFactory>& drivers) {
  try {
    Arguments arguments = parse(argc, argv);
    if (arguments.list) {
      for (const std::string& check : checks()) fmt::print("{}\n", check);
      return 0;
    }
    const auto all = names_of(all_checks(arguments.run.nodes));
    for (const std::string& name : arguments.run.only)
      if (std::find(all.begin(), all.end(), name) == all.end()) throw std::invalid_argument(fmt::format("there is no check '{}'", name));
    const auto found = drivers.find(arguments.driver);
    if (found == drivers.end()) throw std::invalid_argument(fmt::format("--driver: there is no driver '{}' here", arguments.driver));
    SystemClock clock;
    arguments.run.report = print;
    const Subject subject = found->second(clock, arguments.options);
    const std::vector<CheckResult> results = run(subject, arguments.run);
    const auto count = [&](Verdict verdict) {
      return std::count_if(results.begin(), results.end(), [verdict](const CheckResult& result) { return result.verdict == verdict; });
    };
    fmt::print("{} with seed {}: {} passed, {} failed, {} skipped\n", subject.name, arguments.run.seed, count(Verdict::passed), count(Verdict::failed),
               count(Verdict::skipped));
    if (arguments.run.nodes) return prove(subject, results, arguments) ? 0 : 1;
    print_reached(subject);
    return all_passed(results) ? 0 : 1;
  } catch (const std::invalid_argument& bad) {
    fmt::print(stderr, "scoria-conformance: {}\n", bad.what());
    return 2;
  }
}

}  // namespace scoria::drivers::conformance
