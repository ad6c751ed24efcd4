#pragma once
#include <string>
#include <vector>

#include "drivers/conformance/subject.h"

namespace scoria::drivers::conformance {

enum class Verdict { passed, failed, skipped };

struct CheckResult {
  std::string check;    // a sentence in snake_case
  Verdict verdict = Verdict::passed;
  std::string message;  // why it failed or was skipped
  Duration took{};
};

struct RunOptions {
  std::vector<std::string> only;  // names of checks; empty: all
  bool nodes = false;  // the checks of several nodes at once (drivers/proofs.h) instead of the others
  std::uint64_t seed = 1;
  std::function<void(const CheckResult&)> report;  // after each check; may be empty
};

/// Names of all checks but those of several nodes, in the order they run.
std::vector<std::string> checks();
/// Runs the checks. The pools must be the subject's alone; each check leaves them as it found them, or fails.
std::vector<CheckResult> run(const Subject& subject, const RunOptions& options);
bool all_passed(const std::vector<CheckResult>& results);

/// Makes a subject from `--option KEY=VALUE`s; throws std::invalid_argument with a sentence.
using Options = std::multimap<std::string, std::string>;
using SubjectFactory = std::function<Subject(Clock& clock, const Options& options)>;

/// The command scoria-conformance: `--driver NAME [--option KEY=VALUE]… [--only CHECK]… [--seed N] [--list]`. 0 when all
/// checks passed or were skipped, 1 when one failed, 2 for bad arguments. With `--nodes` three nodes, each a process, use the
/// backend at once: 0 only when every check passed; that is the proof which lets nodes of a cluster share the backend, and
/// `--report FILE` writes it down for `active_active_report`.
int command(int argc, char** argv, const std::map<std::string, SubjectFactory>& drivers);

}  // namespace scoria::drivers::conformance
