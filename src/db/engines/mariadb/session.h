#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/clock.h"
#include "db/engines/mariadb/connection.h"
#include "db/engines/mariadb/pokes.h"

namespace scoria::db::mariadb {

/// What a process says of itself beside its transactions: it holds our beacons (named locks, which the server frees when
/// the process dies), sends and hears pokes, and watches whether the host that is to write has come back. A thread of
/// its own keeps it; after a loss it takes the beacons again.
class Session {
 public:
  Session(Clock& clock, Shared& shared, std::function<void(std::string_view)> listener);
  ~Session();

  /// Never waits. Each queue is announced at most once per 2 ms.
  void poke(std::string_view queue);
  /// Returns when the beacon is held; throws Error if it is not in time. With Galera named locks are known to one node
  /// only: nothing is held, the lease alone tells.
  void hold(std::int64_t incarnation);

 private:
  void main();
  void serve(Connection& connection);
  void take_beacons(Connection& connection);
  void announce();
  /// The table of those who listen: ourselves in it, the others read.
  void meet(Connection& connection);
  /// Begins to use the first host again once it lives; a short time with two writers is harmless, a long one is not.
  void watch_hosts(Connection& connection);
  void wait();
  void wake() const;
  bool stopping();

  Clock& clock_;
  Shared& shared_;
  const std::function<void(std::string_view)> listener_;
  const int event_;  // eventfd: a poke, a new beacon or the end
  // The thread's:
  std::unique_ptr<Pokes> pokes_;
  Instant next_announce_, next_look_, next_meeting_, next_watch_;

  std::mutex mutex_;
  std::set<std::string, std::less<>> poked_;  // guarded by mutex_
  std::set<std::int64_t> beacons_;            // guarded by mutex_: to be held
  std::set<std::int64_t> held_;               // guarded by mutex_: on the connection there is now
  bool stopping_ = false;                     // guarded by mutex_
  Signal stop_;
  Signal held_changed_;
  std::shared_ptr<Signal> ended_ = std::make_shared<Signal>();  // raised as the thread's last act
};

/// What stands before an incarnation's number in the name of its lock: a server's locks are common to all its databases.
std::string beacon_prefix(const std::string& database);

}  // namespace scoria::db::mariadb
