#pragma once
#include <atomic>
#include <functional>
#include <string>

#include "base/clock.h"
#include "db/engines/postgres/connection.h"
#include "db/standing_session.h"

namespace scoria::db::postgres {

/// The one connection whose session means something: it listens for pokes, sends ours, and holds our beacons (session advisory
/// locks). After a loss it tells the listener once to look at every queue.
class Session {
 public:
  Session(Clock& clock, const PostgresOptions& options, Shared& shared, std::function<void(std::string_view)> listener);

  void poke(std::string_view queue) { standing_.poke(queue); }
  void hold(std::int64_t incarnation) { standing_.hold(incarnation); }

 private:
  void serve();
  void take_beacons(Connection& connection);
  void announce(Connection& connection);
  void hear(Connection& connection);

  Clock& clock_;
  const PostgresOptions& options_;
  const std::function<void(std::string_view)> listener_;
  Shared& shared_;
  std::string channel_;
  StandingSession standing_;  // last: its thread uses the rest
};

}  // namespace scoria::db::postgres
