#pragma once
#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/queue.h"

namespace scoria::local {

/// Slows down who guesses passwords: after five wrong ones for a user from one address the next try waits one second,
/// then two, four, at most a minute, until a right one or a quarter of an hour of silence. By address as well, so that a
/// guesser elsewhere cannot lock the user out. Also bounds how many passwords are checked at once, as each costs time and
/// memory on purpose. Counts in memory of this process, for a bounded number of users. Thread-safe.
class LoginGuard {
 public:
  explicit LoginGuard(Clock& clock);

  /// How long this user has to wait here before the next try; zero: now.
  Duration wait_for(std::string_view user, std::string_view peer);
  void failed(std::string_view user, std::string_view peer);
  void succeeded(std::string_view user, std::string_view peer);

  /// A place to check a password in; false when too many wait for one already. Waits for its turn.
  class Place {
   public:
    explicit Place(LoginGuard& guard);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    explicit operator bool() const { return taken_; }

   private:
    LoginGuard& guard_;
    bool taken_ = false;
  };

 private:
  struct Record {
    std::string key;
    int failures = 0;
    Instant last;
  };
  using Records = std::list<Record>;

  Records::iterator find(const std::string& key, Instant now);

  static constexpr int places = 4, most_waiting = 16;
  Clock& clock_;
  BoundedQueue<int> free_;
  std::atomic<int> waiting_{0};
  std::mutex mutex_;
  Records records_;                                                // guarded by mutex_; latest failure first
  std::map<std::string, Records::iterator, std::less<>> by_key_;   // guarded by mutex_
};

}  // namespace scoria::local
