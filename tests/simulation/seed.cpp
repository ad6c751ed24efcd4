#include "simulation/seed.h"

#include "simulation/chaos.h"
#include "simulation/workload.h"

namespace scoria::simulation {
namespace {

constexpr Duration quiet_limit = 20min;

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
