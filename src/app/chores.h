#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <string>

#include "app/doctor/rounds.h"
#include "base/clock.h"
#include "base/thread_group.h"
#include "config/config.h"
#include "engine/engine.h"
#include "notify/relay.h"
#include "operations/services.h"
#include "reconcile/flattening.h"
#include "reconcile/inventory.h"
#include "reconcile/limits.h"
#include "reconcile/purge.h"

namespace scoria::app {

/// What runs beside everything else, a little at a time: this node's backends compared with the database, exports with
/// attachments, what is over thrown away, events relayed. What is everybody's is done by one node at a time.
class Chores {
 public:
  Chores(operations::Services& services, engine::Engine& engine, const config::Config& config);
  /// One look at everything that may be due. Told failures are logged; they end nothing.
  void round();
  void start();
  /// Returns when the last round has ended.
  void stop();

 private:
  void loop();
  void flatten();
  void measure();
  void measure_database();

  operations::Services& services_;
  engine::Engine& engine_;
  const config::Config config_;
  const std::string host_;
  reconcile::Inventory inventory_;
  reconcile::Flattening flattening_;
  reconcile::Purge purge_;
  reconcile::Limits limits_;
  doctor::Rounds rounds_;
  std::unique_ptr<notify::Sink> sink_;  // none: events are only kept for a while
  std::unique_ptr<notify::Relay> relay_;
  const Duration every_exports_;
  Instant next_exports_, next_measure_;
  std::atomic<bool> stopping_{false};
  Signal stop_, stop_flattening_;
  std::set<std::array<std::string, 3>> told_queues_;  // of measure(): what is empty now goes to zero
  db::Statistics told_statistics_;
  ThreadGroup threads_;
};

}  // namespace scoria::app
