#include "simulation/seed.h"

#include "simulation/workload.h"

namespace scoria::simulation {
namespace {

constexpr Duration quiet_limit = 20min;

/// Things happen to nodes and to their ways, at random.
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

/// A failpoint is reached: the seed decides whether something happens there.
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
      if (!config.failpoint_pause || baton.undisturbed()) break;
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

}  // namespace

Report run_seed(std::uint64_t seed, bool print) {
  Report report;
  report.seed = seed;
  const SeedConfig config = SeedConfig::draw(seed);
  if (print) std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), config.to_text().c_str());
  Cluster cluster(config, print);
  Model model(cluster);
  Workload workload(cluster, model);
  cluster.baton.on_failpoint([&](const failpoint::Site& site) { at_failpoint(cluster, site); });
  cluster.run([&] {
    cluster.start_nodes();
    cluster.baton.start("chaos", [&] { chaos(cluster); });
    int busy = config.clients;
    for (int i = 0; i < config.clients; ++i)
      cluster.baton.start(fmt::format("client{}", i + 1), [&, i] {
        workload.client(i);
        --busy;
      });
    const Deadline half = Deadline::in(cluster.clock, config.chaos_for);
    while (busy > 0 && !half.passed(cluster.clock)) cluster.clock.sleep(100ms);
    cluster.heal();
    const Deadline over = Deadline::in(cluster.clock, 10min);
    while (busy > 0 && !over.passed(cluster.clock)) cluster.clock.sleep(100ms);
    if (busy > 0) cluster.fail("stuck: a client does not get its answer");
    if (!cluster.wait_quiet(quiet_limit)) {
      cluster.fail("I7: stuck: operations do not end");
      for (const std::string& operation : cluster.live_operations()) cluster.fail("stuck: " + operation);
    }
    cluster.clock.sleep(1min);
    cluster.expect_timely();
    cluster.check_now();
    if (cluster.failures().empty()) {
      cluster.check_storage();
      model.compare();
    }
  });
  report.hash = cluster.baton.hash();
  report.failures = cluster.failures();
  report.counters = cluster.counters;
  return report;
}

}  // namespace scoria::simulation
