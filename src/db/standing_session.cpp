#include "db/standing_session.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/check.h"
#include "db/database.h"
#include "observe/log.h"

namespace scoria::db {
namespace {

constexpr Duration announce_interval = std::chrono::milliseconds{2};
constexpr Duration reconnect_interval = std::chrono::milliseconds{300};
constexpr Duration beacon_retry = std::chrono::milliseconds{200};

}  // namespace

StandingSession::StandingSession(Clock& clock, Duration patience, std::function<void()> serve)
    : clock_(clock), patience_(patience), serve_(std::move(serve)), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  SCORIA_CHECK(event_ >= 0, "eventfd");
  clock_.spawn("db-session", [this, ended = ended_] {
    main();
    ended->raise();
  });
}

StandingSession::~StandingSession() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  stop_.raise();
  while (!clock_.wait(*ended_, std::chrono::seconds{60})) {
  }
  ::close(event_);
}

void StandingSession::wake() const { ::eventfd_write(event_, 1); }

bool StandingSession::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void StandingSession::poke(std::string_view queue) {
  {
    const std::lock_guard lock(mutex_);
    if (!poked_.insert(std::string(queue)).second || poked_.size() > 1) return;
  }
  wake();
}

void StandingSession::hold(std::int64_t incarnation) {
  const Deadline deadline = Deadline::in(clock_, patience_);
  {
    const std::lock_guard lock(mutex_);
    beacons_.insert(incarnation);
  }
  wake();
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (held_.contains(incarnation)) return;
    }
    if (deadline.passed(clock_)) throw Error("the session beacon could not be taken in time");
    clock_.wait(held_changed_, std::chrono::milliseconds{50});
  }
}

void StandingSession::main() {
  while (!stopping()) {
    try {
      serve_();
    } catch (const std::runtime_error& error) {
      log::warning("db", {}, "the session for pokes and beacons is lost and will be made again: {}", error.what());
    }
    {
      const std::lock_guard lock(mutex_);
      held_.clear();
    }
    if (!stopping()) clock_.wait(stop_, reconnect_interval);
  }
}

void StandingSession::take_beacons(const std::function<bool(std::int64_t)>& take) {
  std::vector<std::int64_t> missing;
  {
    const std::lock_guard lock(mutex_);
    std::set_difference(beacons_.begin(), beacons_.end(), held_.begin(), held_.end(), std::back_inserter(missing));
  }
  for (const std::int64_t one : missing) {
    if (!take(one)) continue;
    {
      const std::lock_guard lock(mutex_);
      held_.insert(one);
    }
    held_changed_.raise();
  }
}

std::set<std::string, std::less<>> StandingSession::poked() {
  std::set<std::string, std::less<>> queues;
  if (clock_.now() < next_announce_) return queues;
  const std::lock_guard lock(mutex_);
  queues.swap(poked_);
  if (!queues.empty()) next_announce_ = clock_.now() + announce_interval;
  return queues;
}

bool StandingSession::wait(int descriptor, Duration most) {
  Duration time = most;
  {
    const std::lock_guard lock(mutex_);
    if (!poked_.empty()) time = std::min(time, next_announce_ - clock_.now());
    if (held_.size() < beacons_.size()) time = std::min(time, beacon_retry);
  }
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(std::max(time, Duration::zero()));
  pollfd waiting[] = {{descriptor, POLLIN, 0}, {event_, POLLIN, 0}};
  ::poll(waiting, 2, static_cast<int>(milliseconds.count()));
  eventfd_t woken = 0;
  ::eventfd_read(event_, &woken);
  return waiting[0].revents != 0;
}

}  // namespace scoria::db
