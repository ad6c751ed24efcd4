#include "reconcile/invariants.h"

#include <fmt/core.h>

#include <algorithm>

namespace scoria::reconcile {
namespace {

enum class When { always, timely, events_kept };

/// Each row that the statement gives is a violation: its single column is the sentence.
struct Check {
  const char* invariant;
  When when;
  const char* sql;
};

// Statuses that only an operation's claim may write. `attaching`, `detaching` and the like may be held by a client.
#define SCORIA_WORKING_VOLUME "('creating', 'deleting', 'extending', 'reverting', 'retyping', 'downloading')"
#define SCORIA_LIVE "('ready', 'running', 'waiting')"

constexpr Check checks[] = {
    {"I1", When::always, R"(
SELECT 'quota usage of project ' || project || ', scope ''' || scope || ''' differs from its rows by ' || CAST(SUM(v) AS TEXT) || ' volumes, '
       || CAST(SUM(g) AS TEXT) || ' GiB, ' || CAST(SUM(s) AS TEXT) || ' snapshots'
FROM (SELECT project_id AS project, scope, volumes AS v, gigabytes AS g, snapshots AS s FROM quota_usage
      UNION ALL SELECT charged_project, '', -1, -charged_gib, 0 FROM volume WHERE charged_project IS NOT NULL
      UNION ALL SELECT charged_project, charged_type, -1, -charged_gib, 0 FROM volume WHERE charged_project IS NOT NULL
      UNION ALL SELECT charged_project, '', 0, -charged_gib, -1 FROM snapshot WHERE charged_project IS NOT NULL
      UNION ALL SELECT charged_project, charged_type, 0, -charged_gib, -1 FROM snapshot WHERE charged_project IS NOT NULL) moved
GROUP BY project, scope HAVING SUM(v) <> 0 OR SUM(g) <> 0 OR SUM(s) <> 0)"},
    {"I2", When::always, R"(
SELECT 'quota usage of project ' || project_id || ', scope ''' || scope || ''' is negative' FROM quota_usage
WHERE volumes < 0 OR gigabytes < 0 OR snapshots < 0 OR backups < 0 OR backup_gigabytes < 0 OR groups < 0)"},
    {"I3", When::always, R"(
SELECT what || ' ' || id || ' is held by ' || x_op || ', which is no live operation'
FROM (SELECT 'volume' AS what, id, x_op FROM volume UNION ALL SELECT 'snapshot', id, x_op FROM snapshot
      UNION ALL SELECT 'attachment', id, x_op FROM attachment) held
WHERE x_op IS NOT NULL AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.id = x_op AND o.state IN )" SCORIA_LIVE R"())"},
    {"I3", When::always, R"(
SELECT 'volume ' || id || ' is ' || status || ', but no operation holds it' FROM volume
WHERE x_op IS NULL AND status IN )" SCORIA_WORKING_VOLUME R"(
UNION ALL SELECT 'snapshot ' || id || ' is ' || status || ', but no operation holds it' FROM snapshot
WHERE x_op IS NULL AND status IN ('creating', 'deleting'))"},
    {"I3", When::always, R"(
SELECT 'volume ' || id || ' is ' || status || ' while operation ' || x_op || ' holds it alone' FROM volume
WHERE x_mode = 'X' AND status IN ('available', 'error', 'in-use')
UNION ALL SELECT 'snapshot ' || id || ' is ' || status || ' while operation ' || x_op || ' holds it alone' FROM snapshot
WHERE x_mode = 'X' AND status IN ('available', 'error'))"},
    {"I3", When::always, R"(
SELECT what || ' ' || id || ' promises itself to ' || next_op || ', which does not wait for it'
FROM (SELECT 'volume' AS what, id, next_op FROM volume UNION ALL SELECT 'snapshot', id, next_op FROM snapshot
      UNION ALL SELECT 'attachment', id, next_op FROM attachment) held
WHERE next_op IS NOT NULL AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.id = next_op AND (o.state = 'waiting' OR (o.cancel_req = 1 AND o.state IN )" SCORIA_LIVE R"())))"},
    {"I4", When::always, R"(
SELECT what || ' ' || id || ' counts ' || CAST(s_ops AS TEXT) || ' readers, there are ' || CAST(readers AS TEXT)
FROM (SELECT 'volume' AS what, v.id, v.s_ops, (SELECT count(*) FROM op_res r JOIN operation o ON o.id = r.op WHERE r.rtype = 'volume' AND r.rid = v.id
             AND r.mode = 'S' AND o.state IN )" SCORIA_LIVE R"() AS readers FROM volume v
      UNION ALL SELECT 'snapshot', s.id, s.s_ops, (SELECT count(*) FROM op_res r JOIN operation o ON o.id = r.op WHERE r.rtype = 'snapshot' AND r.rid = s.id
             AND r.mode = 'S' AND o.state IN )" SCORIA_LIVE R"() FROM snapshot s) counted
WHERE s_ops <> readers)"},
    {"I4", When::always, R"(
SELECT 'volume ' || id || ' counts ' || CAST(counted AS TEXT) || ' ' || what || ', there are ' || CAST(found AS TEXT)
FROM (SELECT v.id, 'snapshots' AS what, v.snapshots AS counted, (SELECT count(*) FROM snapshot s WHERE s.volume_id = v.id) AS found FROM volume v
      UNION ALL SELECT v.id, 'attachments', v.attachments, (SELECT count(*) FROM attachment a WHERE a.volume_id = v.id) FROM volume v) children
WHERE counted <> found)"},
    {"I4", When::always, R"(
SELECT 'operation ' || r.op || ' (' || o.state || ') still holds ' || r.rtype || ' ' || r.rid FROM op_res r JOIN operation o ON o.id = r.op
WHERE o.state NOT IN )" SCORIA_LIVE R"(
UNION ALL SELECT 'operation ' || r.op || ' believes to hold ' || r.rtype || ' ' || r.rid || ' in mode ' || r.mode || ', but the row disagrees'
FROM op_res r JOIN operation o ON o.id = r.op
WHERE o.state IN )" SCORIA_LIVE R"( AND r.mode <> 'S' AND NOT EXISTS (
  SELECT 1 FROM volume v WHERE r.rtype = 'volume' AND v.id = r.rid AND (v.x_op = r.op OR v.next_op = r.op)
  UNION ALL SELECT 1 FROM snapshot s WHERE r.rtype = 'snapshot' AND s.id = r.rid AND (s.x_op = r.op OR s.next_op = r.op)
  UNION ALL SELECT 1 FROM attachment a WHERE r.rtype = 'attachment' AND a.id = r.rid AND (a.x_op = r.op OR a.next_op = r.op))
UNION ALL SELECT 'operation ' || o.id || ' works on ' || o.resource_type || ' ' || o.resource_id || ', which it neither holds nor is promised'
FROM operation o WHERE o.state IN )" SCORIA_LIVE R"( AND o.resource_type IN ('volume', 'snapshot', 'attachment') AND NOT EXISTS (
  SELECT 1 FROM volume v WHERE o.resource_type = 'volume' AND v.id = o.resource_id AND (v.x_op = o.id OR v.next_op = o.id)
  UNION ALL SELECT 1 FROM snapshot s WHERE o.resource_type = 'snapshot' AND s.id = o.resource_id AND (s.x_op = o.id OR s.next_op = o.id)
  UNION ALL SELECT 1 FROM attachment a WHERE o.resource_type = 'attachment' AND a.id = o.resource_id AND (a.x_op = o.id OR a.next_op = o.id)))"},
    {"I4", When::always, R"(
SELECT 'object ' || b.name || ' is doomed while ' || CAST(v.s_ops AS TEXT) || ' operations read volume ' || v.id
FROM volume v JOIN backend_object b ON b.backend = v.backend AND b.name = v.provider_name
WHERE v.s_ops > 0 AND b.state NOT IN ('published')
UNION ALL SELECT 'object ' || b.name || ' is doomed while ' || CAST(s.s_ops AS TEXT) || ' operations read snapshot ' || s.id
FROM snapshot s JOIN backend_object b ON b.backend = s.backend AND b.name = s.provider_name
WHERE s.s_ops > 0 AND b.state NOT IN ('published'))"},
    {"I5", When::always, R"(
SELECT 'operation ' || id || ' is ' || state || ' but has owner ' || CAST(owner AS TEXT) FROM operation WHERE state <> 'running' AND owner IS NOT NULL
UNION ALL SELECT 'operation ' || id || ' runs without an owner or an epoch' FROM operation WHERE state = 'running' AND (owner IS NULL OR epoch < 1)
UNION ALL SELECT 'operation ' || id || ' has ended, and is ' || state || ' again' FROM operation WHERE finished_at IS NOT NULL AND state IN )" SCORIA_LIVE},
    {"I7", When::timely, R"(
SELECT 'operation ' || id || ' (' || kind || ') is still ' || state || ' after its time limit' FROM operation
WHERE state IN ('ready', 'running') AND deadline IS NOT NULL AND deadline + 5000000 * epoch + 300000000 < scoria_now())"},
    {"I8", When::always, R"(
SELECT 'volume ' || v.id || ' is ' || v.status || ', but its object ' || v.provider_name || ' is ' || COALESCE(b.state, 'not in the ledger')
FROM volume v LEFT JOIN backend_object b ON b.backend = v.backend AND b.name = v.provider_name
WHERE v.provider_name IS NOT NULL AND v.status NOT IN ('deleting', 'error_deleting') AND COALESCE(b.state, '') <> 'published'
UNION ALL SELECT 'snapshot ' || s.id || ' is ' || s.status || ', but its object ' || s.provider_name || ' is ' || COALESCE(b.state, 'not in the ledger')
FROM snapshot s LEFT JOIN backend_object b ON b.backend = s.backend AND b.name = s.provider_name
WHERE s.provider_name IS NOT NULL AND s.status NOT IN ('deleting', 'error_deleting') AND COALESCE(b.state, '') <> 'published'
UNION ALL SELECT 'volume ' || id || ' is ' || status || ' without an object' FROM volume WHERE provider_name IS NULL AND status IN ('available', 'in-use')
UNION ALL SELECT 'snapshot ' || id || ' is available without an object' FROM snapshot WHERE provider_name IS NULL AND status = 'available')"},
    {"I8", When::always, R"(
SELECT 'object ' || b.name || ' is published, but no ' || b.owner_type || ' ' || b.owner_id || ' has it' FROM backend_object b
WHERE b.state = 'published' AND NOT EXISTS (
  SELECT 1 FROM volume v WHERE b.owner_type = 'volume' AND v.id = b.owner_id AND v.provider_name = b.name
  UNION ALL SELECT 1 FROM snapshot s WHERE b.owner_type = 'snapshot' AND s.id = b.owner_id AND s.provider_name = b.name)
UNION ALL SELECT 'object ' || b.name || ' is intended by operation ' || b.op || ', which has ended' FROM backend_object b
WHERE b.state = 'intended' AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.id = b.op AND o.state IN )" SCORIA_LIVE R"())"},
    {"I8", When::always, R"(
SELECT 'volume ' || v.id || ' has ' || CAST(v.object_bytes AS TEXT) || ' bytes, its object ' || CAST(b.size_bytes AS TEXT)
FROM volume v JOIN backend_object b ON b.backend = v.backend AND b.name = v.provider_name
WHERE b.state = 'published' AND v.x_op IS NULL AND v.object_bytes <> b.size_bytes)"},
    {"I9", When::always, R"(
SELECT 'object ' || c.name || ' (' || c.state || ') hangs on ' || b.name || ', which is gone' FROM backend_object c
JOIN backend_object b ON b.backend = c.backend AND b.name = c.base WHERE c.state IN ('intended', 'published') AND b.state = 'gone')"},
    {"I11", When::always, R"(
SELECT 'volume ' || v.id || ' is in-use without an attached attachment' FROM volume v
WHERE v.status = 'in-use' AND NOT EXISTS (SELECT 1 FROM attachment a WHERE a.volume_id = v.id AND a.attach_status IN ('attached', 'detaching', 'error_detaching'))
UNION ALL SELECT 'volume ' || v.id || ' is available with an attached attachment' FROM volume v
WHERE v.status = 'available' AND EXISTS (SELECT 1 FROM attachment a WHERE a.volume_id = v.id AND a.attach_status = 'attached')
UNION ALL SELECT 'volume ' || v.id || ' is attached more than once without multiattach' FROM volume v
WHERE v.multiattach = 0 AND (SELECT count(DISTINCT COALESCE(a.instance_id, a.id)) FROM attachment a WHERE a.volume_id = v.id AND a.attach_status = 'attached') > 1
UNION ALL SELECT 'attachment ' || a.id || ' is of volume ' || a.volume_id || ', which does not exist' FROM attachment a
WHERE NOT EXISTS (SELECT 1 FROM volume v WHERE v.id = a.volume_id))"},
    {"I12", When::always, R"(
SELECT 'snapshot ' || s.id || ' is of volume ' || s.volume_id || ', which does not exist' FROM snapshot s
WHERE NOT EXISTS (SELECT 1 FROM volume v WHERE v.id = s.volume_id))"},
    {"I15", When::always, R"(
SELECT 'pool ' || backend || '#' || name || ' promises ' || CAST(SUM(b) AS TEXT) || ' bytes and ' || CAST(SUM(n) AS TEXT) || ' volumes more than its volumes take'
FROM (SELECT backend, name, allocated_bytes AS b, volumes AS n FROM pool
      UNION ALL SELECT backend, pool, -object_bytes, -1 FROM volume WHERE backend IS NOT NULL) taken
GROUP BY backend, name HAVING SUM(b) <> 0 OR SUM(n) <> 0)"},
    {"I16", When::always, R"(
SELECT 'operation ' || o.id || ' runs for generation ' || CAST(COALESCE(o.backend_gen, 0) AS TEXT) || ' of ' || b.name || ', which has ' || CAST(b.gen AS TEXT)
FROM operation o JOIN backend b ON b.name = o.backend WHERE o.state = 'running' AND COALESCE(o.backend_gen, 0) <> b.gen)"},
    {"I17", When::events_kept, R"(
SELECT 'operation ' || o.id || ' (' || o.kind || ', ' || o.state || ') has ' || CAST(started AS TEXT) || ' start and ' || CAST(ended AS TEXT) || ' end events'
FROM (SELECT id, kind, state, (SELECT count(*) FROM outbox e WHERE e.op = p.id AND e.id LIKE '%.start') AS started,
             (SELECT count(*) FROM outbox e WHERE e.op = p.id AND e.id LIKE '%.end') AS ended FROM operation p) o
WHERE started > 1 OR ended > 1 OR (state IN ('succeeded', 'failed') AND started = 1 AND ended <> 1) OR (state IN )" SCORIA_LIVE R"( AND ended > 0))"},
    {"I18", When::timely, R"(
SELECT 'operation ' || o.id || ' still runs for node ' || CAST(o.owner AS TEXT) || ', which is ' || COALESCE(n.state, 'unknown') FROM operation o
LEFT JOIN node n ON n.inc = o.owner WHERE o.state = 'running' AND COALESCE(n.state, 'unknown') NOT IN ('up', 'draining')
AND COALESCE(n.lease_until, 0) + 30000000 < scoria_now() AND o.claimed_at + 30000000 < scoria_now()
UNION ALL SELECT 'node ' || CAST(inc AS TEXT) || ' is ' || state || ', but its lease ran out' FROM node
WHERE state IN ('up', 'draining') AND lease_until + 30000000 < scoria_now()
UNION ALL SELECT 'lock ' || name || ' is older than its lease' FROM lease_lock WHERE until + 60000000 < scoria_now())"},
};

constexpr std::string_view at_most = " LIMIT 20";

/// I5: the history of an operation, {"step":…,"epoch":…,"at":…}, … , never goes back to an older epoch.
void check_history(db::Transaction& tx, std::vector<Violation>& out) {
  const db::Rows rows = tx.query("SELECT id, history FROM operation WHERE finished_at IS NULL OR finished_at > scoria_now() - 3600000000 ORDER BY seq DESC LIMIT 10000");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    constexpr std::string_view mark = "\"epoch\":";
    const std::string& history = rows.at(i, 1).text();
    long long before = 0;
    for (auto at = history.find(mark); at != std::string::npos; at = history.find(mark, at + 1)) {
      const long long epoch = std::strtoll(history.c_str() + at + mark.size(), nullptr, 10);
      if (epoch < before) out.push_back({"I5", fmt::format("operation {} was moved by epoch {} after epoch {}", rows.at(i, 0).text(), epoch, before)});
      before = std::max(before, epoch);
    }
  }
}

}  // namespace

std::vector<Violation> check_invariants(db::Transaction& tx, const InvariantOptions& options) {
  std::vector<Violation> out;
  for (const Check& check : checks) {
    if (check.when == When::timely && !options.timely) continue;
    if (check.when == When::events_kept && !options.events_kept) continue;
    const db::Rows rows = tx.query(std::string(check.sql) + std::string(at_most));
    for (std::size_t i = 0; i < rows.size(); ++i) out.push_back({check.invariant, rows.at(i, 0).text()});
  }
  check_history(tx, out);
  return out;
}

std::vector<Violation> check_invariants(db::Database& database, const InvariantOptions& options) {
  return database.read([&](db::Transaction& tx) { return check_invariants(tx, options); });
}

std::vector<std::string> invariants() {
  std::vector<std::string> out;
  for (const Check& check : checks)
    if (std::find(out.begin(), out.end(), check.invariant) == out.end()) out.emplace_back(check.invariant);
  return out;
}

}  // namespace scoria::reconcile
