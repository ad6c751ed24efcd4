#pragma once
#include <atomic>

#include "base/clock.h"
#include "base/thread_group.h"
#include "engine/engine.h"
#include "operations/services.h"
#include "reconcile/reaper.h"

namespace scoria::app {

/// Keeps the rest of the deployment informed about this node's backends: their pools, and whether this node can use them.
/// A backend that this node cannot reach stops being served by it, and only it; it is served again when it answers.
class Reporter {
 public:
  Reporter(operations::Services& services, engine::Engine& engine, Duration period) 
      : services_(services), engine_(engine), reaper_(services), period_(period), threads_(services.clock) {}
  /// One round over all backends; also the first thing after the engine's start.
  void report();
  void start();
  /// Returns when the last round has ended.
  void stop();

 private:
  void report_backend(operations::Backend& backend);
  void loop();

  operations::Services& services_;
  engine::Engine& engine_;
  reconcile::Reaper reaper_;
  const Duration period_;
  std::atomic<bool> stopping_{false};
  Signal stop_;
  ThreadGroup threads_;
};

}  // namespace scoria::app
