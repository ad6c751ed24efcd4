#include "store/pools/pools.h"

#include <fmt/format.h>

namespace scoria::store::pools {
namespace {
db::Value known(std::int64_t bytes) { return bytes < 0 ? db::Value{} : db::Value{bytes}; }
std::int64_t or_unknown(const db::Cell& value) { return value.null() ? -1 : value.integer(); }
void contend(db::Transaction& tx, const std::string& backend, const std::string& pool) { tx.contended(fmt::format("2 pool {} {}", backend, pool)); }
}  // namespace

void report(db::Transaction& tx, const Report& r) {
  tx.run("INSERT INTO pool (backend, name, total_bytes, free_bytes, limit_bytes, unit_bytes, minimum_bytes, report, reported_at) "
         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, scoria_now()) "
         "ON CONFLICT (backend, name) DO UPDATE SET total_bytes = excluded.total_bytes, free_bytes = excluded.free_bytes, "
         "limit_bytes = excluded.limit_bytes, unit_bytes = excluded.unit_bytes, minimum_bytes = excluded.minimum_bytes, report = excluded.report, "
         "reported_at = excluded.reported_at",
         {r.backend, r.name, known(r.total_bytes), known(r.free_bytes), known(r.limit_bytes), r.unit_bytes, r.minimum_bytes, r.json});
}

std::vector<Pool> all(db::Transaction& tx) {
  const db::Rows rows = tx.query(
      "SELECT p.backend, p.name, p.total_bytes, p.free_bytes, p.limit_bytes, p.unit_bytes, p.minimum_bytes, p.report, p.allocated_bytes, p.volumes, "
      // A cluster is as good as disabled when each of its services is.
      "b.zone, CASE WHEN b.disabled = 1 OR (EXISTS (SELECT 1 FROM service s WHERE s.cluster = p.backend AND s.disabled = 1) "
      "AND NOT EXISTS (SELECT 1 FROM service s WHERE s.cluster = p.backend AND s.disabled = 0)) THEN 1 ELSE 0 END, b.frozen, p.reported_at, "
      "CASE WHEN EXISTS (SELECT 1 FROM service s JOIN node n ON n.inc = s.inc WHERE (s.host = p.backend OR s.cluster = p.backend) AND s.binary_name = 'cinder-volume' "
      "AND s.backend_up = 1 AND n.state = 'up' AND n.lease_until > scoria_now()) THEN 1 ELSE 0 END "
      "FROM pool p JOIN backend b ON b.name = p.backend ORDER BY p.backend, p.name");
  std::vector<Pool> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Pool& p = out[i];
    p.backend = rows.at(i, 0).text(), p.name = rows.at(i, 1).text();
    p.total_bytes = or_unknown(rows.at(i, 2)), p.free_bytes = or_unknown(rows.at(i, 3)), p.limit_bytes = or_unknown(rows.at(i, 4));
    p.unit_bytes = rows.at(i, 5).integer(), p.minimum_bytes = rows.at(i, 6).integer(), p.json = rows.at(i, 7).text();
    p.allocated_bytes = rows.at(i, 8).integer(), p.volumes = rows.at(i, 9).integer(), p.zone = rows.at(i, 10).text();
    p.disabled = rows.at(i, 11).flag(), p.frozen = rows.at(i, 12).flag(), p.reported_at = rows.at(i, 13).time();
    p.up = rows.at(i, 14).flag();
  }
  return out;
}

void take(db::Transaction& tx, const std::string& backend, const std::string& pool, std::int64_t bytes, std::int64_t volumes) {
  contend(tx, backend, pool);
  tx.guard("pool.full",
           "UPDATE pool SET allocated_bytes = allocated_bytes + ?, volumes = volumes + ? "
           "WHERE backend = ? AND name = ? AND (limit_bytes IS NULL OR allocated_bytes + ? <= limit_bytes)",
           {bytes, volumes, backend, pool, bytes});
}

void give_back(db::Transaction& tx, const std::string& backend, const std::string& pool, std::int64_t bytes, std::int64_t volumes) {
  contend(tx, backend, pool);
  tx.guard("pool.back", "UPDATE pool SET allocated_bytes = allocated_bytes - ?, volumes = volumes - ? WHERE backend = ? AND name = ?",
           {bytes, volumes, backend, pool});
}

void ensure_backend(db::Transaction& tx, const std::string& name, const std::string& cluster, const std::string& zone) {
  tx.run("INSERT INTO backend (name, cluster, zone, created_at) VALUES (?, ?, ?, scoria_now()) "
         "ON CONFLICT (name) DO UPDATE SET zone = excluded.zone, cluster = excluded.cluster",
         {name, db::or_null(cluster), zone});
}

void ensure_service(db::Transaction& tx, const Service& s) {
  tx.run("INSERT INTO service (host, binary_name, id, zone, cluster, inc, backend_up, backend_reason, created_at, updated_at) "
         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, scoria_now(), scoria_now()) "
         "ON CONFLICT (host, binary_name) DO UPDATE SET zone = excluded.zone, cluster = excluded.cluster, inc = excluded.inc, "
         "backend_up = excluded.backend_up, backend_reason = excluded.backend_reason, updated_at = excluded.updated_at",
         {s.host, s.binary, s.id, s.zone, db::or_null(s.cluster), s.inc, s.backend_up, db::or_null(s.backend_reason)});
}

}  // namespace scoria::store::pools
