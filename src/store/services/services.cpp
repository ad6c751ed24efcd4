#include "store/services/services.h"

#include <map>

namespace scoria::store::services {

std::vector<Service> all(db::Transaction& tx) {
  const db::Rows rows = tx.query(
      "SELECT s.id, s.host, s.binary_name, s.zone, s.cluster, CASE WHEN n.state IN ('up', 'draining') AND n.lease_until > scoria_now() THEN 1 ELSE 0 END, "
      "s.disabled, s.disabled_reason, s.backend_up, b.frozen, b.replication_status, b.active_backend_id, s.updated_at, s.inc "
      "FROM service s LEFT JOIN node n ON n.inc = s.inc LEFT JOIN backend b ON s.binary_name = 'cinder-volume' AND b.name = COALESCE(s.cluster, s.host) "
      "ORDER BY s.binary_name, s.host");
  std::vector<Service> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Service& s = out[i];
    s.id = rows.at(i, 0).text(), s.host = rows.at(i, 1).text(), s.binary = rows.at(i, 2).text(), s.zone = rows.at(i, 3).text();
    s.cluster = rows.at(i, 4).text(), s.up = rows.at(i, 5).flag(), s.disabled = rows.at(i, 6).flag(), s.disabled_reason = rows.at(i, 7).text();
    s.backend_up = rows.at(i, 8).flag(), s.frozen = rows.at(i, 9).flag();
    s.replication_status = rows.at(i, 10).text(), s.active_backend_id = rows.at(i, 11).text(), s.updated_at = rows.at(i, 12).time(), s.incarnation = rows.at(i, 13).integer();
  }
  return out;
}

std::int64_t set_disabled(db::Transaction& tx, const std::string& host, const std::string& binary, bool disabled, const std::string& reason) {
  const std::int64_t changed =
      tx.change("UPDATE service SET disabled = ?, disabled_reason = ? WHERE host = ? AND binary_name = ?", {disabled, db::or_null(reason), host, binary});
  if (changed > 0 && binary == volume_binary)
    tx.run("UPDATE backend SET disabled = ?, disabled_reason = ?, updated_at = scoria_now() WHERE name = ? AND cluster IS NULL", {disabled, db::or_null(reason), host});
  return changed;
}

std::int64_t set_frozen(db::Transaction& tx, const std::string& backend, bool frozen) {
  return tx.change("UPDATE backend SET frozen = ?, updated_at = scoria_now() WHERE name = ? AND frozen <> ?", {frozen, backend, frozen});
}

bool frozen(db::Transaction& tx, const std::string& backend) {
  return !tx.query("SELECT 1 FROM backend WHERE name = ? AND frozen = 1", {backend}).empty();
}

std::vector<Content> contents(db::Transaction& tx, const std::string& backend) {
  std::map<std::string, Content> found;
  const db::Rows volumes =
      tx.query("SELECT project_id, COUNT(*), CAST(SUM(size_gib) AS BIGINT) FROM volume WHERE backend = ? GROUP BY project_id", {backend});
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    Content& of = found[volumes.at(i, 0).text()];
    of.volumes = volumes.at(i, 1).integer(), of.volume_gib = volumes.at(i, 2).integer();
  }
  const db::Rows snapshots =
      tx.query("SELECT project_id, COUNT(*), CAST(SUM(size_gib) AS BIGINT) FROM snapshot WHERE backend = ? GROUP BY project_id", {backend});
  for (std::size_t i = 0; i < snapshots.size(); ++i) {
    Content& of = found[snapshots.at(i, 0).text()];
    of.snapshots = snapshots.at(i, 1).integer(), of.snapshot_gib = snapshots.at(i, 2).integer();
  }
  std::vector<Content> out;
  for (auto& [project, content] : found) {
    content.project = project;
    out.push_back(content);
  }
  return out;
}

}  // namespace scoria::store::services
