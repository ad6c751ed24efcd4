#include "db/engines/mariadb/session.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/failpoint.h"
#include "base/random.h"
#include "observe/log.h"

namespace scoria::db::mariadb {
namespace {

constexpr Duration announce_interval = std::chrono::milliseconds{2};
constexpr Duration reconnect_interval = std::chrono::milliseconds{300};
constexpr Duration beacon_retry = std::chrono::milliseconds{200};
constexpr Duration meeting_interval = std::chrono::seconds{1};
constexpr Duration watch_interval = std::chrono::seconds{1};
constexpr Duration seen_interval = std::chrono::seconds{10};  // who has not met for so long listens no more

constexpr std::string_view make_table = "CREATE TABLE IF NOT EXISTS scoria_listener (address TEXT PRIMARY KEY, seen_at BIGINT NOT NULL, secret TEXT)";
// The row without an address holds the secret that all share.
constexpr std::string_view make_secret = "INSERT INTO scoria_listener (address, seen_at, secret) VALUES ('', 0, ?) ON CONFLICT (address) DO NOTHING";

std::string new_secret() {
  SystemRandom random;
  return fmt::format("{:016x}{:016x}{:016x}{:016x}", random.next(), random.next(), random.next(), random.next());
}

}  // namespace

std::string beacon_prefix(const std::string& database) {
  // At most 64 characters: FNV-1a of the database's name.
  std::uint64_t hash = 14695981039346656037u;
  for (const char byte : database) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  return fmt::format("scoria-{:016x}-", hash);
}

Session::Session(Clock& clock, Shared& shared, std::function<void(std::string_view)> listener)
    : clock_(clock), shared_(shared), listener_(std::move(listener)), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  SCORIA_CHECK(event_ >= 0, "eventfd");
  clock_.spawn("db-session", [this, ended = ended_] {
    main();
    ended->raise();
  });
}

Session::~Session() {
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

void Session::wake() const { ::eventfd_write(event_, 1); }

bool Session::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Session::poke(std::string_view queue) {
  {
    const std::lock_guard lock(mutex_);
    if (!poked_.insert(std::string(queue)).second || poked_.size() > 1) return;
  }
  wake();
}

void Session::hold(std::int64_t incarnation) {
  const Deadline deadline = Deadline::in(clock_, shared_.options.connect_timeout * 2);
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

void Session::main() {
  while (!stopping()) {
    try {
      FAILPOINT("db.mariadb.session");
      Connection connection(clock_, shared_);
      serve(connection);
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

void Session::serve(Connection& connection) {
  take_beacons(connection);
  next_meeting_ = next_look_ = next_watch_ = clock_.now();
  while (!stopping()) {
    take_beacons(connection);
    if (clock_.now() >= next_meeting_) meet(connection);
    if (clock_.now() >= next_watch_) watch_hosts(connection);
    announce();
    pokes_->hear(listener_);
    if (clock_.now() >= next_look_) {
      listener_("");  // what was poked while nobody listened, or was lost on the way
      next_look_ = clock_.now() + shared_.options.poll;
    }
    wait();
  }
}

void Session::meet(Connection& connection) {
  if (!pokes_) {
    connection.change_schema(make_table, {});
    connection.begin_write();
    connection.run(make_secret, {new_secret()});
    connection.commit();
    pokes_ = std::make_unique<Pokes>(connection.own_address(), connection.run("SELECT secret FROM scoria_listener WHERE address = ''", {}).rows.at(0, 0).text());
  }
  connection.begin_write();
  connection.run("INSERT INTO scoria_listener (address, seen_at) VALUES (?, scoria_now()) ON CONFLICT (address) DO UPDATE SET seen_at = excluded.seen_at", {pokes_->own()});
  connection.run("DELETE FROM scoria_listener WHERE address <> '' AND seen_at < scoria_now() - ?", {seen_interval.count()});
  connection.commit();
  const Rows rows = connection.run("SELECT address FROM scoria_listener WHERE address NOT IN ('', ?) ORDER BY address", {pokes_->own()}).rows;
  std::vector<std::string> others;
  for (std::size_t row = 0; row < rows.size(); ++row) others.push_back(rows.at(row, 0).text());
  pokes_->set_others(std::move(others));
  next_meeting_ = clock_.now() + meeting_interval;
}

void Session::watch_hosts(Connection& connection) {
  next_watch_ = clock_.now() + watch_interval;
  if (!connection.usable()) throw Error("another host writes now");
  if (connection.host() == 0) return;
  try {
    const Connection earlier(clock_, shared_, false, connection.host());  // moves everybody over if it can be had
  } catch (const Error&) {
    return;  // still away
  }
  throw Error("a host that stands before this one in [database] connection is back");
}

void Session::take_beacons(Connection& connection) {
  std::vector<std::int64_t> missing;
  {
    const std::lock_guard lock(mutex_);
    std::set_difference(beacons_.begin(), beacons_.end(), held_.begin(), held_.end(), std::back_inserter(missing));
  }
  for (const std::int64_t one : missing) {
    // Refused while the server still believes in the session we lost: tried again soon.
    if (!shared_.galera && connection.run("SELECT get_lock(?, 0)", {beacon_prefix(shared_.address.database) + std::to_string(one)}).rows.at(0, 0).integer() != 1) continue;
    {
      const std::lock_guard lock(mutex_);
      held_.insert(one);
    }
    held_changed_.raise();
  }
}

void Session::announce() {
  if (clock_.now() < next_announce_) return;
  std::set<std::string, std::less<>> queues;
  {
    const std::lock_guard lock(mutex_);
    queues.swap(poked_);
  }
  if (queues.empty()) return;
  for (const std::string& queue : queues) pokes_->send(queue);
  next_announce_ = clock_.now() + announce_interval;
}

void Session::wait() {
  Duration time = std::min({next_look_ - clock_.now(), next_meeting_ - clock_.now(), next_watch_ - clock_.now()});
  {
    const std::lock_guard lock(mutex_);
    if (!poked_.empty()) time = std::min(time, next_announce_ - clock_.now());
    if (held_.size() < beacons_.size()) time = std::min(time, beacon_retry);
  }
  const auto most = std::chrono::ceil<std::chrono::milliseconds>(std::max(time, Duration::zero()));
  pollfd waiting[] = {{pokes_->descriptor(), POLLIN, 0}, {event_, POLLIN, 0}};
  ::poll(waiting, 2, static_cast<int>(most.count()));
  eventfd_t woken = 0;
  ::eventfd_read(event_, &woken);
}

}  // namespace scoria::db::mariadb
