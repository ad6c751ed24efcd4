#include "simulation/chaos.h"

namespace scoria::simulation {

void chaos(Cluster& cluster) {
  const SeedConfig& config = cluster.config;
  Baton& baton = cluster.baton;
  const auto any_time = [&](Duration most) { return Duration{static_cast<std::int64_t>(baton.random().below(static_cast<std::uint64_t>(most.count())))}; };
  while (!cluster.server->healed()) {
    baton.sleep(any_time(2 * config.chaos_pause), "chaos");
    if (cluster.server->healed()) return;
    const std::size_t node = baton.chance(0.7) ? cluster.some_owner() : baton.random().below(cluster.nodes());
    switch (baton.random().below(5)) {
      case 0:
        if (config.kill_nodes) cluster.kill_node(node);
        break;
      case 1:
        if (config.pause_nodes) cluster.pause_node(node, any_time(15s));
        break;
      case 2:
        if (config.drain_nodes) cluster.drain_node(node);
        break;
      case 3:
        if (config.stall_database) cluster.server->stall(any_time(6s));
        break;
      case 4:
        if (config.cut_nodes) cluster.cut_node(node, any_time(10s));
        break;
    }
  }
}

void at_failpoint(Cluster& cluster, const failpoint::Site& site) {
  const SeedConfig& config = cluster.config;
  Baton& baton = cluster.baton;
  if (cluster.server->healed() || !baton.chance(config.failpoint_chance)) return baton.point(site.name);
  switch (baton.random().below(4)) {
    case 0:
      if (!config.failpoint_kill || !cluster.may_kill(baton.current())) break;
      cluster.count_kill(baton.current());
      baton.note(std::string("killed at ") + site.name);
      baton.kill(baton.current());
      break;
    case 1:
      if (!config.failpoint_pause || baton.undisturbed() || !cluster.may_kill(baton.current())) break;
      ++cluster.counters.pauses;
      baton.note(std::string("paused at ") + site.name);
      baton.sleep(Duration{static_cast<std::int64_t>(baton.random().below(20'000'000))}, "paused");
      return;
    case 2:
      if (!config.failpoint_error) break;
      ++cluster.counters.injected;
      throw failpoint::Injected(site.name, "injected error", false);
    case 3:
      if (!config.failpoint_drop) break;
      ++cluster.counters.injected;
      throw failpoint::Injected(site.name, "injected: reply lost", true);
  }
  baton.point(site.name);
}

}  // namespace scoria::simulation
