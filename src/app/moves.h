#pragma once
#include <atomic>
#include <memory>

#include "base/thread_group.h"
#include "config/config.h"
#include "engine/engine.h"
#include "exports/exports.h"
#include "reconcile/portals.h"

namespace scoria::app {

/// Exports that move between the machines of a cluster: keeps this machine's lease and serves what is its.
class Moves {
 public:
  Moves(operations::Services& services, exports::Exports& exports, engine::Engine& engine, const config::Config& config);
  void start();
  /// Daemons go on serving until the lease has run out, or the next process takes them over.
  void stop();
  const operations::Places& places() const { return portals_; }

 private:
  void repeat(Duration pause, Signal& stop, void (reconcile::Portals::*work)());

  Clock& clock_;
  reconcile::Portals portals_;
  std::atomic<bool> stopping_{false};
  Signal stop_rounds_, stop_restoring_;
  ThreadGroup threads_;
};

/// No other machine can take over what this one exports.
bool stands_alone(const config::Config& config, const db::Database& database);
/// None where this machine stands alone; else the services know their places.
std::unique_ptr<Moves> make_moves(operations::Services& services, exports::Exports& exports, engine::Engine& engine, const config::Config& config);

}  // namespace scoria::app
