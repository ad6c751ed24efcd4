#include "simulation/seed.h"

#include "simulation/chaos.h"
#include "simulation/workload.h"

namespace scoria::simulation {
namespace {

/// What the array is never ready for ends at its time limit, which comes at once when nothing else is left.
void pass_time_limits(Cluster& cluster) {
  if (cluster.array->never_ready.empty()) return;
  const Deadline limit = Deadline::in(cluster.clock, cluster.config.quiet_for);
  while (!limit.passed(cluster.clock) && !cluster.only_obstacles_live()) cluster.clock.sleep(250ms);
  cluster.pass_time(2h);
}

}  // namespace

Report run_seed(const SeedConfig& config, bool print) {
  Report report;
  report.seed = config.seed;
  if (print) std::printf("seed %llu: %s\n", static_cast<unsigned long long>(config.seed), config.changes_from(SeedConfig::calm(config.seed)).c_str());
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
    pass_time_limits(cluster);
    if (!cluster.wait_quiet(config.quiet_for)) {
      cluster.fail("I7: stuck: operations do not end");
      for (const std::string& operation : cluster.live_operations()) cluster.fail("stuck: " + operation);
    }
    cluster.clock.sleep(1min);
    cluster.expect_timely();
    cluster.check_now();
    if (cluster.failures().empty()) {
      cluster.check_slots();
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
