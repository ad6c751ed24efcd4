#pragma once
#include <functional>
#include <list>
#include <mutex>
#include <string>

#include "api/endings.h"
#include "api/pipeline.h"
#include "base/queue.h"
#include "base/thread_group.h"
#include "db/database.h"

namespace scoria::api {

/// Keeps answers that wait for an operation: woken by the engine of this node when it ends or has just ended here, else by one
/// look at the database for all of them together, 50 ms after an answer was parked and every 50 ms from there on.
class OperationParking final : public Parking {
 public:
  /// `endings`: where it notes them, for those who want to know more.
  OperationParking(db::Database& database, Clock& clock, Endings& endings)
      : database_(database), clock_(clock), endings_(endings), woken_(clock, 4096), threads_(clock) {}

  void park(const std::string& operation_id, Deadline deadline, std::function<void(bool ended)> wake) override;
  /// The engine ended an operation here.
  void ended(const engine::Operation& operation);
  /// Starts the watcher and `workers` threads that run continuations.
  void start(int workers);
  /// Returns when no continuation runs any more.
  void stop();
  std::size_t waiting() const;

 private:
  struct Waiting {
    std::string operation_id;
    Deadline deadline;
    std::function<void(bool)> wake;
    Instant next_look;  // when the database is asked about it
  };
  void watch_loop();
  void look();
  /// No longer waiting.
  std::list<Waiting> take(const std::function<bool(const Waiting&)>& wanted);
  void resume(std::function<void(bool)> wake, bool ended);

  db::Database& database_;
  Clock& clock_;
  Endings& endings_;
  BoundedQueue<std::function<void()>> woken_;
  Signal changed_;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::list<Waiting> waiting_;  // guarded by mutex_
  ThreadGroup threads_;
};

}  // namespace scoria::api
