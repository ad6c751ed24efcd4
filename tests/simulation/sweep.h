#pragma once
#include <string>
#include <vector>

#include "simulation/cluster.h"

namespace scoria::simulation {

enum class FaultAction { kill, pause, error, drop_reply };

/// One case of the sweep: a scenario in which the n-th time somebody reaches a site, something happens to him.
struct SweepCase {
  std::size_t scenario = 0;
  std::string site;
  int occurrence = 1;
  FaultAction action = FaultAction::kill;
};

/// The systematic sweep: every kind of operation × every failpoint site on its path × every action. The kinds come from
/// the engine's registry and the sites from the linker, so a kind without a scenario or a site that no scenario reaches
/// is a failure, unless it stands in the list of exceptions with its reason.
class Sweep {
 public:
  Sweep();
  /// What is wrong with the sweep itself: kinds without a scenario, sites never reached, scenarios that fail by themselves.
  const std::vector<std::string>& problems() const { return problems_; }
  const std::vector<SweepCase>& cases() const { return cases_; }
  std::string describe(const SweepCase& one) const;
  /// Failures of one case; empty is well. `print`: with its schedule.
  std::vector<std::string> run(const SweepCase& one, bool print, Counters& counters) const;
  std::string summary() const;

 private:
  std::vector<std::string> problems_;
  std::vector<SweepCase> cases_;
  std::size_t sites_ = 0, excepted_ = 0;
};

}  // namespace scoria::simulation
