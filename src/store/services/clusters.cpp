#include "store/services/clusters.h"

#include <algorithm>

namespace scoria::store::clusters {
namespace {

constexpr std::string_view from =
    "SELECT b.name, COUNT(s.host), COUNT(CASE WHEN n.state IN ('up', 'draining') AND n.lease_until > scoria_now() THEN s.host END), b.disabled, b.frozen, "
    "b.disabled_reason, b.replication_status, b.active_backend_id, MAX(s.updated_at), b.created_at, b.updated_at "
    "FROM backend b LEFT JOIN service s ON s.cluster = b.name AND s.binary_name = 'cinder-volume' LEFT JOIN node n ON n.inc = s.inc "
    "WHERE b.cluster IS NOT NULL";

std::vector<Cluster> read(const db::Rows& rows) {
  std::vector<Cluster> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Cluster& c = out[i];
    c.name = rows.at(i, 0).text(), c.hosts = rows.at(i, 1).integer(), c.down_hosts = c.hosts - rows.at(i, 2).integer();
    c.disabled = rows.at(i, 3).flag(), c.frozen = rows.at(i, 4).flag(), c.disabled_reason = rows.at(i, 5).text();
    c.replication_status = rows.at(i, 6).text(), c.active_backend_id = rows.at(i, 7).text();
    c.last_heartbeat = rows.at(i, 8).time(), c.created_at = rows.at(i, 9).time(), c.updated_at = rows.at(i, 10).time();
  }
  return out;
}

}  // namespace

std::vector<Cluster> all(db::Transaction& tx) { return read(tx.query(std::string(from) + " GROUP BY b.name ORDER BY b.name")); }

std::optional<Cluster> find(db::Transaction& tx, const std::string& name) {
  std::vector<Cluster> found = read(tx.query(std::string(from) + " AND b.name = ? GROUP BY b.name", {name}));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::int64_t set_disabled(db::Transaction& tx, const std::string& name, bool disabled, const std::string& reason) {
  return tx.change("UPDATE backend SET disabled = ?, disabled_reason = ?, updated_at = scoria_now() WHERE name = ? AND cluster IS NOT NULL",
                   {disabled, db::or_null(reason), name});
}

}  // namespace scoria::store::clusters
