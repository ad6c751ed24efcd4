#include "db/engines/postgres/session.h"

#include <libpq-fe.h>

#include <set>

#include "base/failpoint.h"

namespace scoria::db::postgres {
namespace {

// What this connection does must not wait for a disk: pokes may be lost.
constexpr std::string_view settings = "-c synchronous_commit=off";

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char one : name) out.append(one == '"' ? 2 : 1, one);
  return out + '"';
}

}  // namespace

Session::Session(Clock& clock, const PostgresOptions& options, Shared& shared, std::function<void(std::string_view)> listener)
    : clock_(clock), options_(options), listener_(std::move(listener)), shared_(shared), standing_(clock, options.connect_timeout * 2, [this] { serve(); }) {}

void Session::serve() {
  FAILPOINT("db.postgres.session");
  Connection connection(clock_, options_, shared_, settings);
  channel_ = connection.run("SELECT 'scoria_' || current_schema()").rows.at(0, 0).text();
  connection.run("LISTEN " + quoted(channel_));
  take_beacons(connection);
  listener_("");  // whatever was poked while nobody listened
  while (!standing_.stopping()) {
    take_beacons(connection);
    announce(connection);
    hear(connection);
    if (standing_.wait(PQsocket(connection.handle()), std::chrono::seconds{connection.several_hosts() ? 1 : 30}) && PQconsumeInput(connection.handle()) != 1)
      throw Error("the server closed the connection");
    if (connection.outdated()) throw Error("another host serves now");
  }
}

void Session::take_beacons(Connection& connection) {
  // Refused while the server still believes in the session we lost.
  standing_.take_beacons([&](std::int64_t one) {
    return connection.run("SELECT pg_try_advisory_lock(hashtext(current_schema()), ?::int)", {one}).rows.at(0, 0).flag();
  });
}

void Session::announce(Connection& connection) {
  std::vector<Statement> statements;
  for (const std::string& queue : standing_.poked()) statements.push_back({&connection.prepare("SELECT pg_notify(?, ?)"), {channel_, queue}, {}});
  if (!statements.empty()) connection.exchange(statements, Ending::closed);
}

void Session::hear(Connection& connection) {
  std::set<std::string> queues;
  while (PGnotify* heard = PQnotifies(connection.handle())) {
    if (heard->be_pid != PQbackendPID(connection.handle())) queues.insert(heard->extra);
    PQfreemem(heard);
  }
  for (const std::string& queue : queues) listener_(queue);
}

}  // namespace scoria::db::postgres
