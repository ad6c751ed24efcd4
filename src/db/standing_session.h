#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/clock.h"

namespace scoria::db {

/// What a process says of itself beside its transactions, over one connection that stays: that it lives (its beacons, locks that
/// the server frees when the connection ends) and what it pokes. A thread of its own keeps the connection; after a loss it is made
/// again and the beacons are taken again. How, says each engine.
class StandingSession {
 public:
  /// `serve` connects and works until stopping(), on the thread; what it throws is told, and it is called again. hold() waits `patience`.
  StandingSession(Clock& clock, Duration patience, std::function<void()> serve);
  /// Ends the thread and waits for it.
  ~StandingSession();
  StandingSession(const StandingSession&) = delete;
  StandingSession& operator=(const StandingSession&) = delete;

  /// Never waits. Each queue is announced at most once per 2 ms: a server serialises the commits of all who notify.
  void poke(std::string_view queue);
  /// Returns when the beacon is held; throws Error if it is not in time.
  void hold(std::int64_t incarnation);

  // For `serve`:
  bool stopping();
  /// Asks `take` for each beacon that is to be held and is not yet; false is tried again soon.
  void take_beacons(const std::function<bool(std::int64_t incarnation)>& take);
  /// What is to be announced now, each once.
  std::set<std::string, std::less<>> poked();
  /// Until something can be read from `descriptor` (true), there is something to do here, or `most` has passed.
  bool wait(int descriptor, Duration most);

 private:
  void main();
  void wake() const;

  Clock& clock_;
  const Duration patience_;
  const std::function<void()> serve_;
  const int event_;        // eventfd: a poke, a new beacon or the end
  Instant next_announce_;  // the thread's

  std::mutex mutex_;
  std::set<std::string, std::less<>> poked_;  // guarded by mutex_
  std::set<std::int64_t> beacons_;            // guarded by mutex_: to be held
  std::set<std::int64_t> held_;               // guarded by mutex_: on the connection there is now
  bool stopping_ = false;                     // guarded by mutex_
  Signal stop_;
  Signal held_changed_;
  std::shared_ptr<Signal> ended_ = std::make_shared<Signal>();  // raised as the thread's last act
};

}  // namespace scoria::db
