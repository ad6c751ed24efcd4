#pragma once
#include <atomic>
#include <string>

#include "api/pipeline.h"
#include "base/thread_group.h"
#include "engine/kind.h"
#include "engine/upgrade.h"

namespace scoria::app {

/// What this program can read: its release, the schema, every kind of operation and every stored shape.
engine::Versions own_versions(db::Database& database);

/// Why a node of these versions would not be let in; empty: it would. For before anything else is done: it leaves all as it was.
std::string start_refused(db::Database& database, const engine::Versions& own);

/// How the upgrade stands, as JSON: pins, living nodes, steps of the schema and how far their fills are, what holds
/// finalising back. `own`: of the program that asks, so that a new one can be asked before it is started.
std::string upgrade_report(db::Database& database, const engine::Versions& own);

/// One share of what follows finalising: fills batch by batch for about a second, then contract steps. True: there is more.
bool go_on_with_schema(db::Database& database, Clock& clock);

/// Keeps a process's pins as the deployment has them, and does its share of what follows finalising: in the background, one
/// node at a time.
class Upgrade {
 public:
  Upgrade(db::Database& database, Clock& clock, engine::Kinds& kinds, engine::Versions own);
  /// Reads the pins again, as every few seconds. May throw db::Error.
  void refresh();
  void start();
  void stop();
  /// GET and POST /scoria/v1/upgrade.
  void mount(api::Handlers& handlers);

 private:
  void loop();
  bool turn();

  db::Database& database_;
  Clock& clock_;
  engine::Kinds& kinds_;
  const engine::Versions own_;
  std::string told_release_;
  std::atomic<bool> stopping_{false};
  Signal wake_;
  ThreadGroup threads_;
};

}  // namespace scoria::app
