#include "app/reporter.h"

#include <fmt/core.h>

#include <algorithm>

#include "json/writer.h"
#include "observe/log.h"
#include "operations/pool_report.h"
#include "reconcile/exports.h"
#include "store/pools/pools.h"
#include "store/services/activity.h"
#include "store/services/log_levels.h"

namespace scoria::app {
namespace {
constexpr Duration every_look = std::chrono::seconds{1}, longest_silence = std::chrono::seconds{10}, longest_start = std::chrono::seconds{5};
}

void Reporter::report() {
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

void Reporter::watch_loop(Watch& watch) {
  Instant next_report{};
  while (!stopping_) {
    const bool due = watch.due.exchange(false) || services_.clock.now() >= next_report;
    if (due) next_report = services_.clock.now() + period_;
    try {
      look(watch, due);
    } catch (const std::exception& failure) {
      log::warning("backend", {.resource = watch.backend.load()->name}, "report: {}", failure.what());
    }
    watch.asked_at = 0;
    watch.looked = true;
    services_.clock.wait(watch.stop, std::min(period_, every_look));
  }
}

void Reporter::owner_changed(operations::Backend& backend) {
  if (!backend.usable()) serve_if_usable(backend);
  for (const auto& watch : watches_)
    if (watch->backend == &backend) watch->due = true, watch->stop.raise();
}

/// Tells what changed at once, the rest when a report is due. Who waits to own a backend does not even look: a check may tidy up
/// what the owner is working with.
void Reporter::look(Watch& watch, bool report) {
  operations::Backend& backend = *watch.backend;
  watch.asked_at = services_.clock.now().since_boot.count();
  if (!backend.ownership.ours()) {
    if (report) tell(backend, {});
    return;
  }
  drivers::Call call;
  call.deadline = Deadline::in(services_.clock, std::chrono::seconds{30});
  call.operation = "report";
  const auto usable = backend.driver->check(call);
  if (!report && usable.has_value() == backend.up) return;
  tell(backend, usable ? backend.driver->pools(call) : tl::unexpected(usable.error()));
}

void Reporter::tell(operations::Backend& backend, const drivers::DriverResult<std::vector<drivers::PoolReport>>& pools) {
  const bool up = pools.has_value();
  if (up != backend.up.exchange(up) || !up)
    log::warning("backend", {.resource = backend.name}, "{}", up ? "is usable again" : "cannot be used: " + pools.error().message);
  if (!up) engine_.stop_serving(backend.name);
  const bool told = services_.database.write([&](db::Transaction& tx) {
    // Nobody may bring a name back that the backend has no more: follow_names() sees to that in a moment.
    store::backends::share_names(tx);
    if (store::backends::renamed(tx, backend.name)) return false;
    store::pools::ensure_backend(tx, backend.name, backend.cluster, backend.zone);
    store::pools::ensure_service(tx, {.id = services_.random.uuid(), .host = backend.host, .binary = "cinder-volume", .zone = backend.zone,
                                      .cluster = backend.cluster, .inc = engine_.incarnation(), .backend_up = up,
                                      .backend_reason = up ? std::string{} : pools.error().message});
    const std::string_view activity = backend.ownership.together() ? store::services::active_active
                                      : backend.ownership.ours()   ? store::services::owner
                                                                   : store::services::standby;
    store::services::tell_activity(tx, backend.host, backend.cluster, activity, backend.unproven);
    if (up)
      for (drivers::PoolReport pool : *pools) {
        if (!backend.shown_name.empty()) pool.extra.emplace_back("volume_backend_name", backend.shown_name);
        store::pools::report(tx, operations::to_row(backend.name, pool));
      }
    return true;
  });
  if (told) serve_if_usable(backend);
}

/// One at a time, so that what was found last is what counts.
void Reporter::serve_if_usable(operations::Backend& backend) {
  const std::lock_guard lock(serving_);
  if (backend.usable())
    engine_.serve(backend.name, backend.max_operations);
  else
    engine_.stop_serving(backend.name);
}

/// Who does not answer at all holds the thread that asks: others see it.
void Reporter::find_silent() {
  for (const auto& watch : watches_) {
    const std::int64_t asked_at = watch->asked_at;
    operations::Backend& backend = *watch->backend;
    if (asked_at == 0 || !backend.up || services_.clock.now() - Instant{Duration{asked_at}} < longest_silence) continue;
    tell(backend, tl::unexpected(drivers::DriverError{drivers::FailureClass::transient,
                                                      fmt::format("the storage has not answered for {} s", longest_silence / std::chrono::seconds{1})}));
  }
}

void Reporter::follow_names() {
  const auto old_names = services_.database.read([](db::Transaction& tx) { return store::backends::old_names(tx); });
  has_old_names_ = !old_names.empty();
  for (const auto& [old_name, now] : old_names)
    for (const auto& watch : watches_)
      if (watch->backend.load()->name == old_name) follow(*watch, now);
}

/// A cluster that was dissolved belongs to one host, which others do not follow.
void Reporter::follow(Watch& watch, const store::backends::Backend& now) {
  operations::Backend& before = *watch.backend;
  engine_.stop_serving(before.name);
  if (now.cluster.empty() && now.name != before.host) {
    if (before.up.exchange(false))
      log::error("backend", {.resource = before.name}, "is {}'s alone now: take the cluster or the backend out of this node's configuration", now.name);
    return;
  }
  log::warning("backend", {.resource = before.name}, "is called {} now", now.name);
  operations::Backend* after = services_.backends.rename(before, now.name, now.cluster);
  watch.backend = after;
  serve_if_usable(*after);
  watch.stop.raise();
}

void Reporter::names_round() {
  try {
    follow_names();
    find_silent();
    if (!has_old_names_ || services_.clock.now() < next_tidy_) return;
    services_.database.write([](db::Transaction& tx) { store::backends::forget_old_names(tx); });
    next_tidy_ = services_.clock.now() + period_;
  } catch (const std::exception& failure) {
    log::warning("backend", {}, "names: {}", failure.what());
  }
}

void Reporter::names_loop() {
  while (!stopping_) {
    names_round();
    services_.clock.wait(stop_names_, every_look);
  }
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
  for (operations::Backend* backend : services_.backends.all()) watches_.push_back(std::make_unique<Watch>(backend));
  names_round();
  for (const auto& watch : watches_) threads_.spawn("backend", [this, one = watch.get()] { watch_loop(*one); });
  const Deadline first = Deadline::in(services_.clock, longest_start);
  const auto looked = [&] { return std::all_of(watches_.begin(), watches_.end(), [](const auto& watch) { return watch->looked.load(); }); };
  while (!looked() && !first.passed(services_.clock)) services_.clock.sleep(std::chrono::milliseconds{2});
  report();
  threads_.spawn("names", [this] { names_loop(); });
  threads_.spawn("report", [this] { loop(); });
}

void Reporter::stop() {
  stopping_ = true;
  for (const auto& watch : watches_) watch->stop.raise();
  stop_.raise(), stop_names_.raise();
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
