#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "db/database.h"
#include "engine/pins.h"

namespace scoria::engine {

struct MembershipOptions {
  std::string host;
  std::string roles;           // "api,scheduler,volume"
  Versions versions;           // none: no pins are kept (tests)
  Duration lease = std::chrono::seconds{4};
  Duration beat = std::chrono::seconds{1};
  Duration sweep = std::chrono::milliseconds{500};
  Duration beacon_look = std::chrono::milliseconds{200};
  Duration suspect_lease = std::chrono::milliseconds{500};  // two looks: a living node finds it shortened before it ends
  bool exclusive = false;      // this process alone may use the database (SQLite file): older incarnations are dead
};

/// Who is alive. A node is one process start with a lease on the database's clock; time decides liveness only, never
/// safety. Each method is one tick of a loop that Engine runs; all may throw db::Error.
class Membership {
 public:
  Membership(db::Database& database, Clock& clock, MembershipOptions options);

  /// Makes this incarnation known. Call once, first. Throws std::runtime_error with a text for the operator when a build of
  /// these versions may not join (engine/upgrade.h).
  void join();
  /// Extends the lease. False: others fenced us; this process must not go on.
  bool beat();
  /// Fences nodes whose lease has run out and gives their operations back. Returns how many operations came back.
  std::int64_t sweep();
  struct Look {
    bool shortened = false;  // a lease of another: sweep when it has run out
    bool suspected = false;  // our own lease is that short: beat at once
  };
  /// Shortens the lease of nodes whose session beacon is gone (killed processes), so that they are swept sooner.
  Look look_for_beacons();
  void set_draining();
  /// The node leaves for good; its operations must have been given back.
  void leave();

  std::int64_t incarnation() const { return incarnation_; }
  const MembershipOptions& options() const { return options_; }
  /// Until when this node may start backend calls: lease minus margin, counted from when the last confirmed beat was sent.
  Deadline leash() const { return {{Duration{leash_.load()}}}; }
  bool leash_holds() const { return !leash().passed(clock_); }

 private:
  bool beats_on_time() const;

  db::Database& database_;
  Clock& clock_;
  const MembershipOptions options_;
  std::int64_t incarnation_ = 0;
  std::atomic<std::int64_t> leash_{0};
  std::atomic<int> good_beats_{0};  // in a row, each confirmed within one beat period
  std::atomic<std::int64_t> last_beat_{0};
  Instant suspicious_until_{};  // of the sweep: short absences are not believed
};

}  // namespace scoria::engine
