#pragma once
#include <atomic>
#include <optional>

#include "base/clock.h"
#include "base/thread_group.h"
#include "engine/engine.h"
#include "operations/services.h"
#include "reconcile/reaper.h"
#include "store/pools/pools.h"

namespace scoria::app {

/// Keeps the rest of the deployment informed about this node's backends: their pools, and whether this node can use them.
/// A backend that this node cannot reach stops being served by it, and only it; it is served again when it answers. Between
/// rounds it makes exports again that a restart lost, once, and removes what is doomed.
class Reporter {
 public:
  /// `scheduler` is the service row of this node's scheduler, if it has that role: host and zone.
  Reporter(operations::Services& services, engine::Engine& engine, Duration period, std::optional<store::pools::Service> scheduler = {})
      : services_(services), engine_(engine), reaper_(services), period_(period), scheduler_(std::move(scheduler)), threads_(services.clock) {}
  /// One round over all backends; also the first thing after the engine's start.
  void report();
  void start();
  /// Returns when the last round has ended.
  void stop();
  /// Of one backend, at any time, from any thread.
  void report_backend(operations::Backend& backend);

 private:
  drivers::DriverResult<std::vector<drivers::PoolReport>> look_into(operations::Backend& backend);
  void restore();
  void reap();
  void report_scheduler();
  void follow_log_settings();
  void loop();

  operations::Services& services_;
  engine::Engine& engine_;
  reconcile::Reaper reaper_;
  const Duration period_;
  const std::optional<store::pools::Service> scheduler_;
  std::int64_t log_setting_ = -1;  // the newest that was applied; -1: what is there at the first round is not for this process
  std::string told_levels_;
  bool restored_ = false;
  std::atomic<bool> stopping_{false};
  Signal stop_;
  ThreadGroup threads_;
};

}  // namespace scoria::app
