#include "app/reporter.h"

#include <algorithm>

#include "json/writer.h"
#include "observe/log.h"
#include "operations/pool_report.h"
#include "reconcile/exports.h"
#include "store/pools/pools.h"
#include "store/services/activity.h"
#include "store/services/log_levels.h"

namespace scoria::app {

void Reporter::report() {
  for (operations::Backend* backend : services_.backends.all()) {
    try {
      report_backend(*backend);
    } catch (const std::exception& failure) {
      log::warning("backend", {.resource = backend->name}, "report: {}", failure.what());
    }
  }
  try {
    report_scheduler();
    follow_log_settings();
  } catch (const db::Error& failure) {
    log::warning("app", {}, "report: {}", failure.what());
  }
}

void Reporter::report_scheduler() {
  if (!scheduler_) return;
  store::pools::Service row = *scheduler_;
  row.id = services_.random.uuid(), row.inc = engine_.incarnation();
  services_.database.write([&](db::Transaction& tx) { store::pools::ensure_service(tx, row); });
}

/// Whoever is asked by an administrator to log more or less does so here, and tells what is in force.
void Reporter::follow_log_settings() {
  const auto is_here = [&](const std::string& host) {
    if (scheduler_ && host == scheduler_->host) return true;
    const auto backends = services_.backends.all();
    return std::any_of(backends.begin(), backends.end(), [&](const operations::Backend* backend) { return backend->host == host; });
  };
  if (log_setting_ < 0) log_setting_ = services_.database.read([](db::Transaction& tx) { return store::log_levels::newest(tx); });
  for (const auto& setting : services_.database.read([&](db::Transaction& tx) { return store::log_levels::since(tx, log_setting_); })) {
    log_setting_ = setting.seq;
    const auto level = log::parse_level(setting.level);
    if (level && is_here(setting.host)) log::set_level(setting.prefix, *level);
  }
  json::Writer levels;
  levels.begin_object();
  for (const auto& [area, level] : log::levels()) levels.field(area, log::name(level));
  const std::string text = levels.end_object().take();
  if (text == told_levels_) return;
  services_.database.write([&](db::Transaction& tx) { store::log_levels::publish(tx, engine_.incarnation(), text); });
  told_levels_ = text;
}

/// Who waits to own a backend does not even look: a check may tidy up what the owner is working with.
drivers::DriverResult<std::vector<drivers::PoolReport>> Reporter::look_into(operations::Backend& backend) {
  if (!backend.ownership.ours()) return std::vector<drivers::PoolReport>{};
  drivers::Call call;
  call.deadline = Deadline::in(services_.clock, std::chrono::seconds{30});
  call.operation = "report";
  const auto usable = backend.driver->check(call);
  return usable ? backend.driver->pools(call) : tl::unexpected(usable.error());
}

void Reporter::report_backend(operations::Backend& backend) {
  const auto pools = look_into(backend);
  const bool up = pools.has_value();
  if (up != backend.up.exchange(up) || !up)
    log::warning("backend", {.resource = backend.name}, "{}", up ? "is usable again" : "cannot be used: " + pools.error().message);
  services_.database.write([&](db::Transaction& tx) {
    store::pools::ensure_backend(tx, backend.name, backend.cluster, backend.zone);
    store::pools::ensure_service(tx, {.id = services_.random.uuid(), .host = backend.host, .binary = "cinder-volume", .zone = backend.zone,
                                      .cluster = backend.cluster, .inc = engine_.incarnation(), .backend_up = up,
                                      .backend_reason = up ? std::string{} : pools.error().message});
    const std::string_view activity = backend.ownership.together() ? store::services::active_active
                                      : backend.ownership.ours()   ? store::services::owner
                                                                   : store::services::standby;
    store::services::tell_activity(tx, backend.host, activity, backend.unproven);
    if (up)
      for (drivers::PoolReport pool : *pools) {
        if (!backend.shown_name.empty()) pool.extra.emplace_back("volume_backend_name", backend.shown_name);
        store::pools::report(tx, operations::to_row(backend.name, pool));
      }
  });
  if (backend.usable())
    engine_.serve(backend.name);
  else
    engine_.stop_serving(backend.name);
}

/// What the database knows and nobody serves since a restart is made again. Not before the node answers: it may take long.
void Reporter::restore() {
  if (restored_ || services_.exports == nullptr) return;
  try {
    reconcile::restore_exports(services_, [this] { return stopping_.load(); });
    restored_ = true;
  } catch (const std::exception& failure) {
    log::warning("exports", {}, "not all are made again yet: {}", failure.what());
  }
}

void Reporter::reap() {
  for (operations::Backend* backend : services_.backends.all()) {
    if (!backend->usable() || stopping_) continue;
    try {
      reaper_.sweep(*backend);
    } catch (const std::exception& failure) {
      log::warning("reconcile", {.resource = backend->name}, "reaper: {}", failure.what());
    }
  }
}

void Reporter::start() {
  threads_.spawn("report", [this] { loop(); });
}

void Reporter::stop() {
  stopping_ = true;
  stop_.raise();
  threads_.wait();
}

void Reporter::loop() {
  while (!stopping_) {
    restore();
    reap();
    services_.clock.wait(stop_, period_);
    if (!stopping_) report();
  }
}

}  // namespace scoria::app
