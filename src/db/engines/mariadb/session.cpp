#include "db/engines/mariadb/session.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/failpoint.h"
#include "base/random.h"

namespace scoria::db::mariadb {
namespace {

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
    : clock_(clock), shared_(shared), listener_(std::move(listener)), standing_(clock, shared.options.connect_timeout * 2, [this] { serve(); }) {}

void Session::serve() {
  FAILPOINT("db.mariadb.session");
  Connection connection(clock_, shared_);
  // Refused while the server still believes in the session we lost.
  const auto take = [&](std::int64_t one) {
    return shared_.galera || connection.run("SELECT get_lock(?, 0)", {beacon_prefix(shared_.address.database) + std::to_string(one)}).rows.at(0, 0).integer() == 1;
  };
  standing_.take_beacons(take);
  next_meeting_ = next_look_ = next_watch_ = clock_.now();
  while (!standing_.stopping()) {
    standing_.take_beacons(take);
    if (clock_.now() >= next_meeting_) meet(connection);
    if (clock_.now() >= next_watch_) watch_hosts(connection);
    for (const std::string& queue : standing_.poked()) pokes_->send(queue);
    pokes_->hear(listener_);
    if (clock_.now() >= next_look_) {
      listener_("");  // what was poked while nobody listened, or was lost on the way
      next_look_ = clock_.now() + shared_.options.poll;
    }
    standing_.wait(pokes_->descriptor(), std::min({next_look_, next_meeting_, next_watch_}) - clock_.now());
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
  others.reserve(rows.size());
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

}  // namespace scoria::db::mariadb
