#include "simulation/chaos.h"

namespace scoria::simulation {

namespace {

Duration any_time(Cluster& cluster, Duration most) { return Duration{static_cast<std::int64_t>(cluster.baton.random().below(static_cast<std::uint64_t>(most.count())))}; }

constexpr Nemesis every_nemesis[] = {
    {"kill", &Nemeses::kills, [](Cluster& c, std::size_t node) { c.kill_node(node); }},
    {"power cut", &Nemeses::power_cuts, [](Cluster& c, std::size_t node) { c.cut_power(node, any_time(c, 60s)); }},
    {"pause", &Nemeses::pauses, [](Cluster& c, std::size_t node) { c.pause_node(node, any_time(c, 15s)); }},
    {"drain", &Nemeses::drains, [](Cluster& c, std::size_t node) { c.drain_node(node); }},
    {"rolling restart", &Nemeses::rolling_restarts, [](Cluster& c, std::size_t) { c.restart_one_by_one(); }},
    {"slow node", &Nemeses::slow_nodes, [](Cluster& c, std::size_t node) { c.slow_node(node, any_time(c, 20s)); }},
    {"clock stall", &Nemeses::clock_stalls, [](Cluster& c, std::size_t node) { c.stall_clock_of(node, any_time(c, 10s)); }},
    {"cut from the database", &Nemeses::cuts, [](Cluster& c, std::size_t node) { c.cut_node(node, any_time(c, 10s)); }},
    {"deaf to the database", &Nemeses::deaf, [](Cluster& c, std::size_t node) { c.deafen_node(node, any_time(c, 8s)); }},
    {"cut from the array", &Nemeses::array_cuts, [](Cluster& c, std::size_t node) { c.cut_node_from_array(node, any_time(c, 20s)); }},
    {"beacons lie", &Nemeses::beacon_lies, [](Cluster& c, std::size_t) { c.server->lie_about_beacons(any_time(c, 10s)); }},
    {"database stall", &Nemeses::stalls, [](Cluster& c, std::size_t) { c.server->stall(any_time(c, 6s)); }},
    {"database restart", &Nemeses::restarts, [](Cluster& c, std::size_t) { c.server->restart(any_time(c, 6s)); }},
    {"database read-only", &Nemeses::read_only, [](Cluster& c, std::size_t) { c.server->refuse_writes(any_time(c, 6s)); }},
    {"database clock jump", &Nemeses::clock_jumps, [](Cluster& c, std::size_t) { c.jump_database_clock(any_time(c, 20s)); }},
    {"array outage", &Nemeses::array_outages, [](Cluster& c, std::size_t) { c.array->fail_for(any_time(c, 15s)); }},
    {"site change", &Nemeses::site_changes, [](Cluster& c, std::size_t) { c.change_site(); }},
};
static_assert(std::size(every_nemesis) == Counters::kinds_of_nemeses);

}  // namespace

std::span<const Nemesis> nemeses() { return every_nemesis; }

void chaos(Cluster& cluster) {
  const SeedConfig& config = cluster.config;
  Baton& baton = cluster.baton;
  std::vector<std::size_t> drawn;
  for (std::size_t i = 0; i < std::size(every_nemesis); ++i)
    if (config.nemeses.*every_nemesis[i].on) drawn.push_back(i);
  if (drawn.empty()) return;
  while (!cluster.server->healed()) {
    baton.sleep(any_time(cluster, 2 * config.chaos_pause), "chaos");
    if (cluster.server->healed()) return;
    const std::size_t node = baton.chance(0.7) ? cluster.some_owner() : baton.random().below(cluster.nodes());
    const std::size_t which = drawn[baton.random().below(drawn.size())];
    if (!cluster.faults.happens()) continue;
    baton.note(every_nemesis[which].name);
    ++cluster.counters.struck[which];
    every_nemesis[which].strike(cluster, node);
  }
}

void at_failpoint(Cluster& cluster, const failpoint::Site& site) {
  const SeedConfig& config = cluster.config;
  Baton& baton = cluster.baton;
  if (cluster.server->healed() || !baton.chance(config.failpoint_chance) || !cluster.faults.happens()) return baton.point(site.name);
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
