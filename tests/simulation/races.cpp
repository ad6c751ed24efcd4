#include "simulation/races.h"

#include "simulation/chaos.h"

namespace scoria::simulation {
namespace {

/// Faults wait until the scene is set.
SeedConfig config_for(std::uint64_t seed) {
  SeedConfig config = seed % 4 == 0 ? SeedConfig::calm(seed) : SeedConfig::draw(seed);
  config.pool_gib = 4096;
  config.stickiness = static_cast<double>(seed % 5) / 5;
  config.chaos_for = 30s;
  config.array.clones_hang_on_source = false;
  return config;
}

SeedConfig without_faults(SeedConfig config) {
  config.database = {};
  config.array = {.latency = config.array.latency};
  return config;
}

}  // namespace

RaceReport run_race(const Scenario& race, std::uint64_t seed, bool print) {
  const SeedConfig config = config_for(seed);
  if (print) std::printf("\"%s\", seed %llu: %s\n", race.name, static_cast<unsigned long long>(seed), config.changes_from(SeedConfig::calm(seed)).c_str());
  Cluster cluster(without_faults(config), print);
  bool begun = false;
  cluster.baton.on_failpoint([&](const failpoint::Site& site) { begun ? at_failpoint(cluster, site) : cluster.baton.point(site.name); });
  const auto begin = [&] {
    begun = true;
    cluster.server->faults = config.database;
    cluster.array->faults = config.array;
    cluster.baton.start("chaos", [&] { chaos(cluster); });
    cluster.baton.start("healer", [&] {
      cluster.baton.sleep(config.chaos_for, "healer");
      cluster.heal();
    });
  };
  RaceReport out;
  out.outcome = play(cluster, race, begin, [] {});
  out.report = {.seed = seed, .hash = cluster.baton.hash(), .failures = cluster.failures(), .counters = cluster.counters};
  return out;
}

}  // namespace scoria::simulation
