#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "db/engines/mariadb/connection.h"
#include "db/engines/mariadb/pokes.h"
#include "db/standing_session.h"

namespace scoria::db::mariadb {

/// Holds our beacons (named locks), sends and hears pokes, and watches whether the host that is to write has come back.
/// With Galera named locks are known to one node only: nothing is held, the lease alone tells.
class Session {
 public:
  Session(Clock& clock, Shared& shared, std::function<void(std::string_view)> listener);

  void poke(std::string_view queue) { standing_.poke(queue); }
  void hold(std::int64_t incarnation) { standing_.hold(incarnation); }

 private:
  void serve();
  /// The table of those who listen: ourselves in it, the others read.
  void meet(Connection& connection);
  /// Begins to use the first host again once it lives; a short time with two writers is harmless, a long one is not.
  void watch_hosts(Connection& connection);

  Clock& clock_;
  Shared& shared_;
  const std::function<void(std::string_view)> listener_;
  std::unique_ptr<Pokes> pokes_;
  Instant next_look_, next_meeting_, next_watch_;
  StandingSession standing_;  // last: its thread uses the rest
};

/// What stands before an incarnation's number in the name of its lock: a server's locks are common to all its databases.
std::string beacon_prefix(const std::string& database);

}  // namespace scoria::db::mariadb
