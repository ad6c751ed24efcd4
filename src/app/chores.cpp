#include "app/chores.h"

#include "config/options/general.h"
#include "config/options/housekeeping.h"
#include "engine/operations.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "reconcile/exports.h"
#include "store/findings/findings.h"

namespace scoria::app {
namespace {

const metrics::Gauges findings{"scoria_reconciler_findings", "Differences between storage, hosts and the database, by kind.", {"kind"}};
const metrics::Gauges waiting_events{"scoria_outbox_events", "Events that wait for their delivery."};
const metrics::Gauges lag{"scoria_outbox_lag_seconds", "Age of the oldest event that waits for its delivery."};

const metrics::Gauges operations_now{"scoria_operations", "Live operations of all nodes, by queue, state and the reason for it.", {"queue", "state", "reason"}};
const metrics::Counters db_transactions{"scoria_db_transactions_total", "Transactions committed."};
const metrics::Counters db_commits{"scoria_db_commits_total", "Commits that made them durable; fewer where a group shares one."};
const metrics::Counters db_reads{"scoria_db_reads_total", "Reads."};
const metrics::Counters db_retries{"scoria_db_retries_total", "Transactions run again after a deadlock or a serialization failure."};
const metrics::Counters db_round_trips{"scoria_db_round_trips_total", "Waits for an answer of the database server; none with SQLite."};

constexpr Duration every_round = std::chrono::seconds{1}, every_measure = std::chrono::seconds{15};

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

Chores::Chores(operations::Services& services, engine::Engine& engine, const config::Config& config)
    : services_(services),
      engine_(engine),
      config_(config),
      host_(config.read<config::GeneralOptions>().host),
      inventory_(services, inventory_options(config)),
      flattening_(services),
      purge_(services.database, purge_options(config)),
      limits_(services),
      rounds_({config_, services.clock, &services.database, services.sealer}, config.read<config::HousekeepingOptions>().self_check_interval),
      sink_(make_sink(config.read<config::HousekeepingOptions>())),
      relay_(sink_ ? std::make_unique<notify::Relay>(services.database, *sink_) : nullptr),
      every_exports_(std::min<Duration>(std::chrono::minutes{1}, config.read<config::HousekeepingOptions>().inventory_interval)),
      next_exports_(services.clock.now() + every_exports_),
      threads_(services.clock) {}

void Chores::round() {
  for (operations::Backend* backend : services_.backends.all()) carefully("inventory", [&] { inventory_.turn(*backend); });
  carefully("purge", [&] { purge_.turn(); });
  carefully("limits", [&] { limits_.turn(); });
  carefully("self check", [&] { rounds_.turn(engine_.incarnation()); });
  if (relay_) carefully("relay", [&] { while (!stopping_ && relay_->turn() > 0) {} });
  const Instant now = services_.clock.now();
  if (now >= next_exports_) next_exports_ = now + every_exports_, carefully("exports", [&] { reconcile::check_exports(services_, host_); });
  if (now >= next_measure_) next_measure_ = now + every_measure, carefully("measure", [&] { measure(); });
}

/// Kinds that are found no more go to zero: the process has told them before.
void Chores::measure() {
  struct Seen {
    std::vector<store::findings::Count> counts;
    store::outbox::Backlog backlog;
    std::vector<engine::Backlog> operations;
  };
  const Seen seen = services_.database.read(
      [](db::Transaction& tx) { return Seen{store::findings::counts(tx), store::outbox::backlog(tx), engine::backlog(tx)}; });
  for (const auto& [queue, state, reason] : told_queues_) operations_now.with({queue, state, reason}).set(0);
  for (const engine::Backlog& one : seen.operations) {
    told_queues_.insert({one.queue, one.state, one.reason});
    operations_now.with({one.queue, one.state, one.reason}).set(static_cast<double>(one.operations));
  }
  measure_database();
  for (const std::string_view kind : reconcile::finding_kinds) findings.with({kind}).set(0);
  for (const auto& count : seen.counts) findings.with({count.kind}).set(static_cast<double>(count.findings));
  waiting_events.with().set(static_cast<double>(seen.backlog.events));
  lag.with().set(static_cast<double>(seen.backlog.lag.count()) / 1e6);
}

void Chores::measure_database() {
  const db::Statistics now = services_.database.statistics();
  const auto add = [](const metrics::Counters& counters, std::uint64_t from, std::uint64_t to) { counters.with().add(static_cast<double>(to - from)); };
  add(db_transactions, told_statistics_.transactions, now.transactions), add(db_commits, told_statistics_.commits, now.commits);
  add(db_reads, told_statistics_.reads, now.reads), add(db_retries, told_statistics_.retries, now.retries);
  add(db_round_trips, told_statistics_.round_trips, now.round_trips);
  told_statistics_ = now;
}

void Chores::start() {
  threads_.spawn("chores", [this] { loop(); });
  threads_.spawn("flattening", [this] { flatten(); });
}

/// On a thread of its own: one volume may take long.
void Chores::flatten() {
  while (!services_.clock.wait(stop_flattening_, every_round) && !stopping_)
    for (operations::Backend* backend : services_.backends.all())
      carefully("flattening", [&] { flattening_.turn(*backend, [this] { return stopping_.load(); }); });
}

void Chores::stop() {
  stopping_ = true;
  stop_.raise(), stop_flattening_.raise();
  threads_.wait();
}

void Chores::loop() {
  while (!stopping_) {
    services_.clock.wait(stop_, every_round);
    if (!stopping_) round();
  }
}

}  // namespace scoria::app
