#include "store/health/health.h"

#include <map>

namespace scoria::store::health {

void publish(db::Transaction& tx, std::int64_t incarnation, const std::string& report) {
  tx.run("DELETE FROM node_report WHERE inc = ? OR inc NOT IN (SELECT inc FROM node WHERE state IN ('up', 'draining'))", {incarnation});
  tx.run("INSERT INTO node_report (inc, report, reported_at) VALUES (?, ?, scoria_now())", {incarnation, report});
}

std::vector<Report> reports(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT r.inc, n.host, r.report, r.reported_at FROM node_report r JOIN node n ON n.inc = r.inc "
                                 "WHERE n.state IN ('up', 'draining') AND n.lease_until > scoria_now() ORDER BY r.inc");
  std::vector<Report> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = {rows.at(i, 0).integer(), rows.at(i, 1).text(), rows.at(i, 2).text(), rows.at(i, 3).time()};
  return out;
}

std::vector<LostService> lost_services(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT s.host, s.binary_name, s.updated_at FROM service s JOIN node n ON n.inc = s.inc "
                                 "WHERE (n.state = 'fenced' OR (n.state IN ('up', 'draining') "
                                 "AND n.lease_until < scoria_now())) AND NOT (s.disabled = 1 AND coalesce(s.disabled_reason, '') <> '') ORDER BY s.host, s.binary_name");
  std::vector<LostService> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = {rows.at(i, 0).text(), rows.at(i, 1).text(), rows.at(i, 2).time()};
  return out;
}

std::vector<BrokenBackend> broken_backends(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT s.host, s.backend_reason FROM service s JOIN node n ON n.inc = s.inc WHERE s.backend_up = 0 AND n.state IN ('up', 'draining') "
                                 "AND n.lease_until > scoria_now() ORDER BY s.host");
  std::vector<BrokenBackend> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = {rows.at(i, 0).text(), rows.at(i, 1).text()};
  return out;
}

std::vector<std::pair<std::string, std::string>> live_releases(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT release, host FROM node WHERE state IN ('up', 'draining') AND lease_until > scoria_now() ORDER BY release, host");
  std::map<std::string, std::string> hosts;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string& told = hosts[rows.at(i, 0).text()];
    told += (told.empty() ? "" : ", ") + rows.at(i, 1).text();
  }
  return {hosts.begin(), hosts.end()};
}

std::vector<Holding> backends_with_volumes(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT backend, CAST(SUM(volumes) AS BIGINT) FROM pool WHERE volumes > 0 GROUP BY backend ORDER BY backend");
  std::vector<Holding> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = {rows.at(i, 0).text(), rows.at(i, 1).integer()};
  return out;
}

std::vector<StuckOperation> stuck_operations(db::Transaction& tx, std::size_t limit) {
  // Each branch has an index of its own; a queue is a backend's name, with "!bulk" for long work, or the schedulers'.
  const db::Rows rows = tx.query(
      "SELECT o.id, o.kind, o.state, o.queue, o.resource_type, o.resource_id, coalesce(o.err_text, o.reason), o.updated_at, o.deadline, 0 AS unserved, o.seq FROM operation o "
      "WHERE o.state = 'running' AND o.deadline < scoria_now() - 60000000 "
      "UNION ALL SELECT o.id, o.kind, o.state, o.queue, o.resource_type, o.resource_id, coalesce(o.err_text, o.reason), o.updated_at, o.deadline, "
      "CASE WHEN o.deadline < scoria_now() - 60000000 THEN 0 ELSE 1 END, o.seq FROM operation o WHERE o.state = 'ready' AND o.run_at < scoria_now() - 60000000 "
      "AND (o.deadline < scoria_now() - 60000000 OR NOT EXISTS (SELECT 1 FROM service s JOIN node n ON n.inc = s.inc WHERE n.state IN ('up', 'draining') AND s.backend_up = 1 "
      "AND (o.queue = coalesce(s.cluster, s.host) OR o.queue = coalesce(s.cluster, s.host) || '!bulk' OR (o.queue = 'scheduler' AND s.binary_name = 'cinder-scheduler')))) "
      "UNION ALL SELECT o.id, o.kind, o.state, o.queue, o.resource_type, o.resource_id, coalesce(o.err_text, o.reason), o.updated_at, o.deadline, 0, o.seq FROM operation o "
      "WHERE o.state = 'dead' ORDER BY seq LIMIT ?",
      {static_cast<std::int64_t>(limit)});
  std::vector<StuckOperation> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    StuckOperation& one = out[i];
    one.id = rows.at(i, 0).text(), one.kind = rows.at(i, 1).text(), one.state = rows.at(i, 2).text(), one.queue = rows.at(i, 3).text();
    one.resource_type = rows.at(i, 4).text(), one.resource_id = rows.at(i, 5).text(), one.text = rows.at(i, 6).text();
    one.since = rows.at(i, 7).time(), one.deadline = rows.at(i, 8).time(), one.unserved = rows.at(i, 9).flag();
  }
  return out;
}

}  // namespace scoria::store::health
