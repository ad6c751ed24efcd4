#include "engine/membership.h"

#include <fmt/core.h>

#include "base/failpoint.h"
#include "base/mutants.h"
#include "engine/upgrade.h"
#include "observe/log.h"
#include "observe/metrics.h"

namespace scoria::engine {
namespace {

// Backed off by the deaths of its owners, so that an operation which kills its process cannot take the others along quickly.
#define SCORIA_AFTER_DEATHS "run_at = scoria_now() + CASE WHEN deaths < 2 THEN 0 WHEN deaths < 4 THEN 1000000 ELSE 4000000 END "

const metrics::Counters fenced_nodes{"scoria_nodes_fenced_total", "Nodes that this node declared dead."};
const metrics::Counters takeovers{"scoria_operation_takeovers_total", "Operations that this node took back from dead ones."};

}  // namespace

Membership::Membership(db::Database& database, Clock& clock, MembershipOptions options)
    : database_(database), clock_(clock), options_(std::move(options)) {}

void Membership::join() {
  const Instant sent = clock_.now();
  incarnation_ = database_.write([&](db::Transaction& tx) {
    if (options_.exclusive) {
      tx.run("UPDATE node SET state = 'fenced' WHERE state IN ('up', 'draining')");
      tx.run("UPDATE operation SET state = 'ready', owner = NULL, deaths = deaths + 1, updated_at = scoria_now(), " SCORIA_AFTER_DEATHS "WHERE state = 'running'");
    }
    const Versions& own = options_.versions;
    if (const auto admitted = admit(tx, own); !admitted) throw std::runtime_error(admitted.error().message);
    const auto schema = own.newest.find("schema");
    const db::Rows rows = tx.query(
        "INSERT INTO node (host, roles, state, lease_until, started_at, release, schema_version) "
        "VALUES (?, ?, 'up', scoria_now() + ?, scoria_now(), ?, ?) RETURNING inc",
        {options_.host, options_.roles, options_.lease.count(), own.release, schema == own.newest.end() ? 0 : schema->second});
    const std::int64_t inc = rows.at(0, 0).integer();
    publish(tx, inc, own);
    return inc;
  });
  database_.hold_beacon(incarnation_);
  leash_ = (sent + (options_.lease - options_.lease / 8)).since_boot.count();
  last_beat_ = sent.since_boot.count();
}

bool Membership::beat() {
  FAILPOINT("engine.heartbeat.before");
  const Instant sent = clock_.now();
  const std::int64_t changed = database_.write([&](db::Transaction& tx) {
    if (MUTANT(fenced_revives)) tx.run("UPDATE node SET state = 'up' WHERE inc = ? AND state = 'fenced'", {incarnation_});
    return tx.change("UPDATE node SET hb_seq = hb_seq + 1, lease_until = scoria_now() + ? WHERE inc = ? AND state IN ('up', 'draining')",
                     {options_.lease.count(), incarnation_});
  });
  if (changed == 0) return false;
  leash_ = (sent + (options_.lease - options_.lease / 8)).since_boot.count();
  const bool on_time = clock_.now() - Instant{Duration{last_beat_.load()}} <= 2 * options_.beat;
  good_beats_ = on_time ? good_beats_ + 1 : 0;
  last_beat_ = clock_.now().since_boot.count();
  FAILPOINT("engine.heartbeat.after");
  return true;
}

// A database that stalls makes everybody late: who was late itself may not judge others.
bool Membership::beats_on_time() const {
  return good_beats_ >= 3 && clock_.now() - Instant{Duration{last_beat_.load()}} <= 2 * options_.beat;
}

std::int64_t Membership::sweep() {
  if (!beats_on_time()) return 0;
  // The common case, nobody late and nothing orphaned, is one read.
  const auto look = database_.read([&](db::Transaction& tx) {
    return tx.query(
        "SELECT (SELECT count(*) FROM node WHERE state IN ('up', 'draining')), "
        "(SELECT count(*) FROM node WHERE state IN ('up', 'draining') AND lease_until < scoria_now() AND inc <> ?), "
        "(SELECT count(*) FROM node WHERE state IN ('up', 'draining') AND lease_until > scoria_now() + ?), "
        "(SELECT count(*) FROM operation WHERE state = 'running' AND owner NOT IN (SELECT inc FROM node WHERE state IN ('up', 'draining')))",
        {incarnation_, options_.lease.count()});
  });
  const std::int64_t members = look.at(0, 0).integer(), late = look.at(0, 1).integer();
  if (late == 0 && look.at(0, 2).integer() == 0 && look.at(0, 3).integer() == 0) return 0;

  // More than half late at once is more likely the database's or the network's fault: wait a second lease. And so for a
  // few beats after that sight: the first of them to return makes the others look like a minority (models/fence.pml).
  if (late * 2 > members) suspicious_until_ = clock_.now() + 3 * options_.beat;
  const Duration grace = clock_.now() < suspicious_until_ ? options_.lease : Duration::zero();
  const std::int64_t fenced = database_.write([&](db::Transaction& tx) {
    // A lease further ahead than its length comes from another clock (a promoted standby): cut it.
    tx.run("UPDATE node SET lease_until = scoria_now() + ? WHERE state IN ('up', 'draining') AND lease_until > scoria_now() + ?",
           {options_.lease.count(), options_.lease.count()});
    // Not itself: it lives, whatever a jump of the database's clock did to its lease.
    return tx.change("UPDATE node SET state = 'fenced' WHERE state IN ('up', 'draining') AND lease_until < scoria_now() - ? AND inc <> ?",
                     {grace.count(), incarnation_});
  });
  fenced_nodes.with().add(static_cast<double>(fenced));
  FAILPOINT("engine.sweep.between");
  if (MUTANT(sweep_forgets) && fenced == 0) return 0;
  // Not only those just fenced: what a node claimed in the moment it was fenced comes back here too.
  const std::int64_t back = database_.write([&](db::Transaction& tx) {
    return tx.change(
        "UPDATE operation SET state = 'ready', owner = NULL, deaths = deaths + 1, updated_at = scoria_now(), " SCORIA_AFTER_DEATHS
        "WHERE state = 'running' AND owner NOT IN (SELECT inc FROM node WHERE state IN ('up', 'draining'))");
  });
  takeovers.with().add(static_cast<double>(back));
  if (back > 0) log::warning("engine", {}, "node {} took back {} operations of dead nodes", incarnation_, back);
  return back;
}

Membership::Look Membership::look_for_beacons() {
  Look out;
  FAILPOINT("engine.beacons.look");
  if (database_.engine() == db::Engine::sqlite) return out;
  // Who has not beaten yet is still on its way to its beacon.
  const db::Rows rows = database_.read([&](db::Transaction& tx) {
    return tx.query("SELECT inc, lease_until - scoria_now() FROM node WHERE state IN ('up', 'draining') AND (inc = ? OR hb_seq > 0)", {incarnation_});
  });
  std::vector<std::int64_t> others;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool soon = rows.at(i, 1).integer() <= options_.suspect_lease.count();
    if (rows.at(i, 0).integer() == incarnation_)
      out.suspected = soon;
    else if (!soon)
      others.push_back(rows.at(i, 0).integer());
  }
  if (others.empty() || !beats_on_time()) return out;
  const std::vector<std::int64_t> alive = database_.beacons_held(others);
  for (const std::int64_t inc : others) {
    if (std::find(alive.begin(), alive.end(), inc) != alive.end()) continue;
    // Only suspicion: a living node sees its short lease at its next look, beats at once and has the full one again.
    out.shortened |= database_.write([&](db::Transaction& tx) {
      return tx.change("UPDATE node SET lease_until = scoria_now() + ? WHERE inc = ? AND state IN ('up', 'draining') AND lease_until > scoria_now() + ?",
             {options_.suspect_lease.count(), inc, options_.suspect_lease.count()});
    }) > 0;
  }
  return out;
}

void Membership::set_draining() {
  database_.write([&](db::Transaction& tx) { tx.run("UPDATE node SET state = 'draining' WHERE inc = ? AND state = 'up'", {incarnation_}); });
}

void Membership::leave() {
  database_.write([&](db::Transaction& tx) { tx.run("UPDATE node SET state = 'gone' WHERE inc = ? AND state IN ('up', 'draining')", {incarnation_}); });
}

}  // namespace scoria::engine
