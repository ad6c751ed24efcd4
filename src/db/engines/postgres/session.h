#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "db/engines/postgres/connection.h"

namespace scoria::db::postgres {

/// The one connection whose session means something: it listens for pokes, sends ours, and holds our beacons (session
/// advisory locks, which the server frees when the process dies). A thread of its own keeps it; after a loss it listens
/// and takes the beacons again, and tells the listener once to look at every queue.
class Session {
 public:
  Session(Clock& clock, const PostgresOptions& options, std::function<void(std::string_view)> listener);
  ~Session();

  /// Never waits. Each queue is announced at most once per 2 ms: the server serialises the commits of all who notify.
  void poke(std::string_view queue);
  /// Returns when the beacon is held; throws Error if it is not in time.
  void hold(std::int64_t incarnation);

 private:
  void main();
  void serve(Connection& connection);
  void take_beacons(Connection& connection);
  void announce(Connection& connection);
  void hear(Connection& connection);
  /// Until the server says something, wake() was called, or there is something to do by time.
  void wait(Connection& connection);
  Duration idle_time();
  void wake() const;
  bool stopping();

  Clock& clock_;
  const PostgresOptions& options_;
  const std::function<void(std::string_view)> listener_;
  const int event_;  // eventfd: a poke, a new beacon or the end
  std::atomic<std::uint64_t> round_trips_{0};
  std::string channel_;     // the thread's
  Instant next_announce_;   // the thread's

  std::mutex mutex_;
  std::set<std::string, std::less<>> pokes_;  // guarded by mutex_
  std::set<std::int64_t> beacons_;            // guarded by mutex_: to be held
  std::set<std::int64_t> held_;               // guarded by mutex_: on the connection there is now
  bool stopping_ = false;                     // guarded by mutex_
  Signal stop_;
  Signal held_changed_;
  std::shared_ptr<Signal> ended_ = std::make_shared<Signal>();  // raised as the thread's last act
};

}  // namespace scoria::db::postgres
