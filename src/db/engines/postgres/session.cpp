#include "db/engines/postgres/session.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/failpoint.h"
#include "observe/log.h"

namespace scoria::db::postgres {
namespace {

constexpr Duration announce_interval = std::chrono::milliseconds{2};
constexpr Duration reconnect_interval = std::chrono::milliseconds{300};
constexpr Duration beacon_retry = std::chrono::milliseconds{200};
// What this connection does must not wait for a disk: pokes may be lost.
constexpr std::string_view settings = "-c default_transaction_read_only=off -c synchronous_commit=off -c default_transaction_isolation=read\\ committed";

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char one : name) out.append(one == '"' ? 2 : 1, one);
  return out + '"';
}

}  // namespace

Session::Session(Clock& clock, const PostgresOptions& options, std::function<void(std::string_view)> listener)
    : clock_(clock), options_(options), listener_(std::move(listener)), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
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
    if (!pokes_.insert(std::string(queue)).second || pokes_.size() > 1) return;
  }
  wake();
}

void Session::hold(std::int64_t incarnation) {
  const Deadline deadline = Deadline::in(clock_, options_.connect_timeout * 2);
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
      FAILPOINT("db.postgres.session");
      Connection connection(clock_, options_, round_trips_, settings);
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
  channel_ = connection.run("SELECT 'scoria_' || current_schema()").rows.at(0, 0).text();
  connection.run("LISTEN " + quoted(channel_));
  take_beacons(connection);
  listener_("");  // whatever was poked while nobody listened
  while (!stopping()) {
    take_beacons(connection);
    announce(connection);
    hear(connection);
    wait(connection);
  }
}

void Session::take_beacons(Connection& connection) {
  std::vector<std::int64_t> missing;
  {
    const std::lock_guard lock(mutex_);
    std::set_difference(beacons_.begin(), beacons_.end(), held_.begin(), held_.end(), std::back_inserter(missing));
  }
  for (const std::int64_t one : missing) {
    // Refused while the server still believes in the session we lost: tried again soon.
    if (!connection.run("SELECT pg_try_advisory_lock(hashtext(current_schema()), ?::int)", {one}).rows.at(0, 0).flag()) continue;
    {
      const std::lock_guard lock(mutex_);
      held_.insert(one);
    }
    held_changed_.raise();
  }
}

void Session::announce(Connection& connection) {
  if (clock_.now() < next_announce_) return;
  std::set<std::string, std::less<>> queues;
  {
    const std::lock_guard lock(mutex_);
    queues.swap(pokes_);
  }
  if (queues.empty()) return;
  std::vector<Statement> statements;
  for (const std::string& queue : queues) statements.push_back({&connection.prepare("SELECT pg_notify(?, ?)"), {channel_, queue}, {}});
  connection.exchange(statements, Ending::closed);
  next_announce_ = clock_.now() + announce_interval;
}

void Session::hear(Connection& connection) {
  std::set<std::string> queues;
  while (PGnotify* heard = PQnotifies(connection.handle())) {
    if (heard->be_pid != PQbackendPID(connection.handle())) queues.insert(heard->extra);
    PQfreemem(heard);
  }
  for (const std::string& queue : queues) listener_(queue);
}

Duration Session::idle_time() {
  const std::lock_guard lock(mutex_);
  if (!pokes_.empty()) return std::max(next_announce_ - clock_.now(), Duration::zero());
  return held_.size() < beacons_.size() ? beacon_retry : std::chrono::seconds{30};
}

void Session::wait(Connection& connection) {
  const auto time = std::chrono::ceil<std::chrono::milliseconds>(idle_time());
  pollfd waiting[] = {{PQsocket(connection.handle()), POLLIN, 0}, {event_, POLLIN, 0}};
  ::poll(waiting, 2, static_cast<int>(time.count()));
  eventfd_t woken = 0;
  ::eventfd_read(event_, &woken);
  if (waiting[0].revents != 0 && PQconsumeInput(connection.handle()) != 1) throw Error("the server closed the connection");
}

}  // namespace scoria::db::postgres
