#include "app/chores.h"

#include "config/options/general.h"
#include "config/options/housekeeping.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "reconcile/exports.h"
#include "store/findings/findings.h"

namespace scoria::app {
namespace {

const metrics::Gauges findings{"scoria_reconciler_findings", "Differences between storage, hosts and the database, by kind.", {"kind"}};
const metrics::Gauges waiting_events{"scoria_outbox_events", "Events that wait for their delivery."};
const metrics::Gauges lag{"scoria_outbox_lag_seconds", "Age of the oldest event that waits for its delivery."};

constexpr Duration every_round = std::chrono::seconds{1}, every_exports = std::chrono::minutes{1}, every_measure = std::chrono::seconds{15};

reconcile::InventoryOptions inventory_options(const config::Config& config) {
  const auto options = config.read<config::HousekeepingOptions>();
  return {.period = options.inventory_interval, .grace = options.inventory_grace};
}

std::unique_ptr<notify::Sink> make_sink(const config::HousekeepingOptions& options) {
  if (options.event_sink == "log") return notify::log_sink();
  if (options.event_sink == "file") return notify::file_sink(options.event_file);
  return nullptr;
}

reconcile::PurgeOptions purge_options(const config::Config& config) {
  const auto options = config.read<config::HousekeepingOptions>();
  return {.operations = options.operation_retention, .events = options.event_sink == "none" ? options.event_retention : Duration::zero()};
}

template <class Work>
void carefully(std::string_view what, Work&& work) {
  try {
    work();
  } catch (const std::exception& failure) {
    log::warning("chores", {}, "{}: {}", what, failure.what());
  }
}

}  // namespace

Chores::Chores(operations::Services& services, const config::Config& config)
    : services_(services),
      host_(config.read<config::GeneralOptions>().host),
      inventory_(services, inventory_options(config)),
      flattening_(services),
      purge_(services.database, purge_options(config)),
      sink_(make_sink(config.read<config::HousekeepingOptions>())),
      relay_(sink_ ? std::make_unique<notify::Relay>(services.database, *sink_) : nullptr),
      next_exports_(services.clock.now() + every_exports),
      threads_(services.clock) {}

void Chores::round() {
  for (operations::Backend* backend : services_.backends.all()) carefully("inventory", [&] { inventory_.turn(*backend); });
  carefully("purge", [&] { purge_.turn(); });
  if (relay_) carefully("relay", [&] { while (!stopping_ && relay_->turn() > 0) {} });
  const Instant now = services_.clock.now();
  if (now >= next_exports_) next_exports_ = now + every_exports, carefully("exports", [&] { reconcile::check_exports(services_, host_); });
  if (now >= next_measure_) next_measure_ = now + every_measure, carefully("measure", [&] { measure(); });
}

/// Kinds that are found no more go to zero: the process has told them before.
void Chores::measure() {
  struct Seen {
    std::vector<store::findings::Count> counts;
    store::outbox::Backlog backlog;
  };
  const Seen seen = services_.database.read([](db::Transaction& tx) { return Seen{store::findings::counts(tx), store::outbox::backlog(tx)}; });
  for (const std::string_view kind : reconcile::finding_kinds) findings.with({kind}).set(0);
  for (const auto& count : seen.counts) findings.with({count.kind}).set(static_cast<double>(count.findings));
  waiting_events.with().set(static_cast<double>(seen.backlog.events));
  lag.with().set(static_cast<double>(seen.backlog.lag.count()) / 1e6);
}

void Chores::start() {
  threads_.spawn("chores", [this] { loop(); });
  threads_.spawn("flattening", [this] { flatten(); });
}

/// On a thread of its own: one volume may take long.
void Chores::flatten() {
  while (!services_.clock.wait(stop_, every_round) && !stopping_)
    for (operations::Backend* backend : services_.backends.all())
      carefully("flattening", [&] { flattening_.turn(*backend, [this] { return stopping_.load(); }); });
}

void Chores::stop() {
  stopping_ = true;
  stop_.raise();
  threads_.wait();
}

void Chores::loop() {
  while (!stopping_) {
    services_.clock.wait(stop_, every_round);
    if (!stopping_) round();
  }
}

}  // namespace scoria::app
