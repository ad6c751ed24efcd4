#pragma once
#include <atomic>
#include <optional>

#include "base/clock.h"
#include "base/thread_group.h"
#include "engine/engine.h"
#include "operations/services.h"
#include "reconcile/reaper.h"
#include "store/backends/names.h"
#include "store/pools/pools.h"

namespace scoria::app {

/// Keeps the rest of the deployment informed about this node's backends: their pools, and whether this node can use them.
/// Each is looked at every second, on a thread of its own: one that this node cannot reach, or that does not answer, stops
/// being served by it, and only it; it is served again when it answers. A backend that is renamed is followed. Besides it makes
/// exports again that a restart lost, once, and removes what is doomed.
class Reporter {
 public:
  /// `scheduler` is the service row of this node's scheduler, if it has that role: host and zone.
  Reporter(operations::Services& services, engine::Engine& engine, Duration period, std::optional<store::pools::Service> scheduler = {})
      : services_(services), engine_(engine), reaper_(services), period_(period), scheduler_(std::move(scheduler)), threads_(services.clock) {}
  /// The first thing after the engine's start. Returns when each backend was looked at once, or after five seconds.
  void start();
  /// Returns when the last round has ended.
  void stop();
  /// After another node, or this one, became the owner of a backend: it is looked at and told at once. From any thread.
  void owner_changed(operations::Backend& backend);

 private:
  struct Watch {
    explicit Watch(operations::Backend* of) : backend(of) {}
    std::atomic<operations::Backend*> backend;
    std::atomic<std::int64_t> asked_at{0};  // when the look under way began; 0: none is
    std::atomic<bool> looked{false}, due{false};
    Signal stop;
  };
  void watch_loop(Watch& watch);
  void look(Watch& watch, bool report);
  void tell(operations::Backend& backend, const drivers::DriverResult<std::vector<drivers::PoolReport>>& pools);
  void serve_if_usable(operations::Backend& backend);
  void find_silent();
  void follow_names();
  void follow(Watch& watch, const store::backends::Backend& now);
  void names_round();
  void names_loop();
  void report();
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
  std::vector<std::unique_ptr<Watch>> watches_;
  bool has_old_names_ = false;  // these two: of names_round
  Instant next_tidy_{};
  std::mutex serving_;          // taken alone
  std::atomic<bool> stopping_{false};
  Signal stop_, stop_names_;
  ThreadGroup threads_;
};

}  // namespace scoria::app
