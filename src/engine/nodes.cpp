#include "engine/nodes.h"

namespace scoria::engine {

std::vector<NodeSeen> list_nodes(db::Transaction& tx) {
  const db::Rows rows = tx.query(
      "SELECT n.inc, n.host, n.roles, n.release, n.state, n.lease_until - scoria_now(), n.started_at, "
      "(SELECT COUNT(*) FROM operation o WHERE o.owner = n.inc AND o.state = 'running') FROM node n "
      "WHERE n.state IN ('up', 'draining') OR n.inc = (SELECT MAX(m.inc) FROM node m WHERE m.host = n.host) ORDER BY n.host, n.inc");
  std::vector<NodeSeen> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    NodeSeen& node = out[i];
    node.incarnation = rows.at(i, 0).integer(), node.host = rows.at(i, 1).text(), node.roles = rows.at(i, 2).text(), node.release = rows.at(i, 3).text();
    node.state = rows.at(i, 4).text(), node.lease_left = Duration{rows.at(i, 5).integer()}, node.started_at = rows.at(i, 6).time();
    node.running = rows.at(i, 7).integer();
    node.alive = (node.state == "up" || node.state == "draining") && node.lease_left > Duration::zero();
  }
  return out;
}

Result<> set_resting(db::Database& database, const std::string& node, bool resting) {
  const std::int64_t meant = database.write([&](db::Transaction& tx) {
    // Both rows that move and rows that are there already: being asked twice is no error.
    return tx.change("UPDATE node SET state = ? WHERE state IN ('up', 'draining') AND (host = ? OR CAST(inc AS TEXT) = ?)", {resting ? "draining" : "up", node, node});
  });
  if (meant > 0) return {};
  return refuse(RefusalCode::not_found, "There is no node '{}'. `scoria node list` shows those that are there.", node);
}

}  // namespace scoria::engine
