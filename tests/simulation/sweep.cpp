#include "simulation/sweep.h"

#include <algorithm>
#include <set>

#include "simulation/scenarios.h"

namespace scoria::simulation {
namespace {

constexpr int most_occurrences = 3;  // of one site in one scenario that get cases of their own

/// Sites that no simulation can reach, and who reaches them.
struct Exception {
  std::string_view prefix, reason;
};
constexpr Exception exceptions[] = {
    {"driver.file.", "real files: the conformance kit and tests/faults"},
    {"driver.lab_array.", "an array over HTTP: the conformance kit and tests/faults"},
    {"driver.broken.", "a test driver: its own tests"},
    {"driver.fake.", "another test driver: its own tests"},
    {"locks.", "no section without a seed that has them: src/locks/locks_test.cpp"},
    {"exports.", "real daemons: the tests of exports and tests/faults"},
    {"reconcile.inventory.before_adopt", "only after a disaster: src/reconcile/inventory_test.cpp"},
    {"reconcile.inventory.before_give_up", "only after a disaster: src/reconcile/inventory_test.cpp"},
    {"reconcile.exports.", "exports of hosts, the simulation's are the array's: src/reconcile/inventory_test.cpp"},
    {"notify.relay.", "events are kept here, for invariant I17: src/notify/relay_test.cpp"},
    {"reconcile.portals.", "machines with addresses, which the simulation has none of: tests/faults/exports_move.py kills there"},
    {"db.postgres.", "a real server: the tests of db on PostgreSQL and tests/faults"},
    {"db.mariadb.", "a real server: the tests of db on MariaDB"},
};

const char* text_of(FaultAction action) {
  switch (action) {
    case FaultAction::kill: return "kill";
    case FaultAction::pause: return "pause 6 s";
    case FaultAction::error: return "error";
    case FaultAction::drop_reply: return "lost reply";
  }
  return "";
}

SeedConfig config_for(std::size_t scenario) {
  SeedConfig config = SeedConfig::calm(1000 + scenario);
  config.nodes = 2;
  config.slots = 2, config.bulk_slots = 1;
  config.check_every = 5;
  config.array.clones_hang_on_source = scenarios()[scenario].native_clones;
  config.on_nodes = scenarios()[scenario].on_nodes ? 1 : 0;
  return config;
}

struct Played {
  std::map<std::string, int> hits;
  std::set<std::string> inside;  // sites reached inside a transaction, where nobody can be paused
  std::vector<std::string> failures;
  bool fired = false;
};

void happen(Cluster& cluster, const failpoint::Site& site, FaultAction action) {
  Baton& baton = cluster.baton;
  baton.note(fmt::format("SWEEP {} at {}", text_of(action), site.name));
  switch (action) {
    case FaultAction::kill:
      cluster.count_kill(baton.current());
      return baton.kill(baton.current());
    case FaultAction::pause:
      ++cluster.counters.pauses;
      return baton.sleep(6s, "paused");
    case FaultAction::error:
      throw failpoint::Injected(site.name, "injected error", false);
    case FaultAction::drop_reply:
      throw failpoint::Injected(site.name, "injected: reply lost", true);
  }
}

Played play(std::size_t scenario, const SweepCase* armed, bool print, Counters& counters) {
  Cluster cluster(config_for(scenario), print);
  Played played;
  bool recording = false;
  cluster.baton.on_failpoint([&](const failpoint::Site& site) {
    if (!recording) return cluster.baton.point(site.name);
    const int hit = ++played.hits[site.name];
    if (cluster.baton.undisturbed()) played.inside.insert(site.name);
    if (armed == nullptr || played.fired || armed->site != site.name || armed->occurrence != hit) return cluster.baton.point(site.name);
    played.fired = true;
    happen(cluster, site, armed->action);
  });
  play(cluster, scenarios()[scenario], [&] { recording = true; }, [&] { recording = false; });
  played.failures = cluster.failures();
  counters.add(cluster.counters);
  return played;
}

}  // namespace

Sweep::Sweep() {
  Counters ignored;
  std::set<std::string> reached;
  std::set<std::string_view> kinds;
  // Once for nothing: what the program remembers for its whole life (the areas of its log) is then the same for all runs.
  for (std::size_t scenario = 0; scenario < scenarios().size(); ++scenario) play(scenario, nullptr, false, ignored);
  for (std::size_t scenario = 0; scenario < scenarios().size(); ++scenario) {
    kinds.insert(scenarios()[scenario].kind);
    const Played played = play(scenario, nullptr, false, ignored);
    for (const std::string& failure : played.failures) problems_.push_back(fmt::format("\"{}\" fails without any fault: {}", scenarios()[scenario].name, failure));
    for (const auto& [site, hits] : played.hits) {
      reached.insert(site);
      for (int occurrence = 1; occurrence <= std::min(hits, most_occurrences); ++occurrence)
        for (const FaultAction action : {FaultAction::kill, FaultAction::pause, FaultAction::error, FaultAction::drop_reply})
          if (action != FaultAction::pause || !played.inside.contains(site)) cases_.push_back({scenario, site, occurrence, action});
    }
  }
  const Cluster cluster(SeedConfig::calm(1), false);
  for (const engine::Kind* kind : cluster.kinds().all())
    if (!kinds.contains(kind->name())) problems_.push_back(fmt::format("no scenario for operations of kind {}", kind->name()));
  for (const failpoint::Site* site : failpoint::sites()) {
    const bool excepted = std::any_of(std::begin(exceptions), std::end(exceptions), [&](const Exception& one) { return std::string_view(site->name).starts_with(one.prefix); });
    if (excepted) ++excepted_;
    else if (!reached.contains(site->name)) problems_.push_back(fmt::format("no scenario reaches the failpoint {}", site->name));
  }
  for (const Exception& one : exceptions)
    if (std::none_of(failpoint::sites().begin(), failpoint::sites().end(), [&](const failpoint::Site* site) { return std::string_view(site->name).starts_with(one.prefix); }))
      problems_.push_back(fmt::format("the exception for {}* ({}) fits no failpoint", one.prefix, one.reason));
  sites_ = reached.size();
}

std::string Sweep::describe(const SweepCase& one) const {
  return fmt::format("\"{}\": {} at {} ({})", scenarios()[one.scenario].name, text_of(one.action), one.site, one.occurrence);
}

std::string Sweep::summary() const {
  return fmt::format("{} cases: {} scenarios, {} failpoint sites reached, {} left to tests on real daemons, files and servers", cases_.size(), scenarios().size(), sites_, excepted_);
}

std::vector<std::string> Sweep::run(const SweepCase& one, bool print, Counters& counters) const {
  Played played = play(one.scenario, &one, print, counters);
  if (!played.fired) played.failures.push_back("the place was not reached: the same seed took another way");
  return played.failures;
}

}  // namespace scoria::simulation
