#include "store/quotas/quotas.h"

#include <fmt/format.h>

#include <limits>

namespace scoria::store::quotas {
namespace {

constexpr std::string_view take_sql =
    "INSERT INTO quota_usage (project_id, scope, volumes, gigabytes, snapshots) "
    "SELECT CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT) "
    "WHERE CAST(? AS BIGINT) <= CAST(? AS BIGINT) AND CAST(? AS BIGINT) <= CAST(? AS BIGINT) AND CAST(? AS BIGINT) <= CAST(? AS BIGINT) "
    "ON CONFLICT (project_id, scope) DO UPDATE SET volumes = quota_usage.volumes + excluded.volumes, "
    "gigabytes = quota_usage.gigabytes + excluded.gigabytes, snapshots = quota_usage.snapshots + excluded.snapshots "
    "WHERE (excluded.volumes = 0 OR quota_usage.volumes + excluded.volumes <= ?) "
    "AND (excluded.gigabytes = 0 OR quota_usage.gigabytes + excluded.gigabytes <= ?) "
    "AND (excluded.snapshots = 0 OR quota_usage.snapshots + excluded.snapshots <= ?)";

constexpr std::string_view add_sql =
    "INSERT INTO quota_usage (project_id, scope, volumes, gigabytes, snapshots) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (project_id, scope) DO UPDATE SET volumes = quota_usage.volumes + excluded.volumes, "
    "gigabytes = quota_usage.gigabytes + excluded.gigabytes, snapshots = quota_usage.snapshots + excluded.snapshots";

/// Of a project the row of a type comes before that of all its types.
void contend(db::Transaction& tx, const std::string& project, const std::string& scope) {
  tx.contended(fmt::format("1 quota {} {} {}", project, scope.empty() ? 2 : 1, scope));
}

std::int64_t bound(std::int64_t limit) { return limit < 0 ? std::numeric_limits<std::int64_t>::max() / 4 : limit; }

std::int64_t of(const std::map<std::string, std::int64_t, std::less<>>& limits, std::string_view resource) {
  const auto found = limits.find(resource);
  return found == limits.end() ? unlimited : found->second;
}

void take_one(db::Transaction& tx, std::string_view label, const std::string& project, const std::string& scope, const Amount& a, std::int64_t volumes,
              std::int64_t gigabytes, std::int64_t snapshots) {
  contend(tx, project, scope);
  // Where nothing is limited there is nothing to guard.
  if (volumes < 0 && gigabytes < 0 && snapshots < 0) return tx.run(add_sql, {project, scope, a.volumes, a.gigabytes, a.snapshots});
  volumes = bound(volumes), gigabytes = bound(gigabytes), snapshots = bound(snapshots);
  tx.guard(label, take_sql,
           {project, scope, a.volumes, a.gigabytes, a.snapshots, a.volumes, volumes, a.gigabytes, gigabytes, a.snapshots, snapshots, volumes, gigabytes,
            snapshots});
}

}  // namespace

std::int64_t Limits::of_project(std::string_view resource) const { return of(project, resource); }
std::int64_t Limits::of_type(std::string_view resource) const { return of(type, resource); }

Limits limits(db::Transaction& tx, const std::string& project, const std::string& type, const std::map<std::string, std::int64_t, std::less<>>& defaults) {
  Limits out;
  out.project = defaults;
  const db::Rows rows = tx.query(
      "SELECT scope, resource, value, 0 AS own FROM quota_class_limit WHERE class = 'default' AND scope IN ('', ?) "
      "UNION ALL SELECT scope, resource, value, 1 FROM quota_limit WHERE project_id = ? AND scope IN ('', ?) ORDER BY own",
      {type, project, type});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& table = rows.at(i, 0).text().empty() ? out.project : out.type;
    table[rows.at(i, 1).text()] = rows.at(i, 2).integer();
  }
  return out;
}

Usage usage(db::Transaction& tx, const std::string& project, std::string_view scope) {
  const db::Rows rows = tx.query(
      "SELECT volumes, gigabytes, snapshots, backups, backup_gigabytes, groups FROM quota_usage WHERE project_id = ? AND scope = ?", {project, scope});
  if (rows.empty()) return {};
  const auto at = [&](std::size_t column) { return rows.at(0, column).integer(); };
  return {at(0), at(1), at(2), at(3), at(4), at(5)};
}

std::map<std::string, Usage> all_usage(db::Transaction& tx, const std::string& project) {
  const db::Rows rows = tx.query(
      "SELECT scope, volumes, gigabytes, snapshots, backups, backup_gigabytes, groups FROM quota_usage WHERE project_id = ?", {project});
  std::map<std::string, Usage> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto at = [&](std::size_t column) { return rows.at(i, column).integer(); };
    out[rows.at(i, 0).text()] = {at(1), at(2), at(3), at(4), at(5), at(6)};
  }
  return out;
}

void take(db::Transaction& tx, const std::string& project, const std::string& type, const Amount& amount, const Limits& limits) {
  take_one(tx, "quota.type", project, type, amount, limits.of_type("volumes"), limits.of_type("gigabytes"), limits.of_type("snapshots"));
  take_one(tx, "quota.project", project, "", amount, limits.of_project("volumes"), limits.of_project("gigabytes"), limits.of_project("snapshots"));
}

void give_back(db::Transaction& tx, const std::string& project, const std::string& type, const Amount& a) {
  constexpr std::string_view sql =
      "UPDATE quota_usage SET volumes = volumes - ?, gigabytes = gigabytes - ?, snapshots = snapshots - ? WHERE project_id = ? AND scope = ?";
  for (const std::string& scope : {type, std::string()}) {
    contend(tx, project, scope);
    tx.guard("quota.back", sql, {a.volumes, a.gigabytes, a.snapshots, project, scope});
  }
}

}  // namespace scoria::store::quotas
