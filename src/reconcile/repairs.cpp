#include "reconcile/repairs.h"

#include <fmt/core.h>

#include "domain/claim_sql.h"

namespace scoria::reconcile {
namespace {

/// Repairs the rows that `suspects` names, each in a transaction of its own: `lock` holds the row, `repair` sets it right
/// and touches it only if it is wrong. The columns of `suspects` are the parameters of both.
std::vector<std::string> repair_each(db::Database& database, const std::string& suspects, const db::Values& values, const std::string& lock,
                                     const std::string& repair, const std::string& what) {
  const db::Rows rows = database.read([&](db::Transaction& tx) { return tx.query(suspects, values); });
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    db::Values key;
    std::string name;
    for (std::size_t column = 0; column < rows.columns(); ++column) {
      key.push_back(rows.at(i, column));
      name += (column == 0 ? "" : "#") + rows.at(i, column).text();
    }
    const bool repaired = database.write([&](db::Transaction& tx) {
      if (!lock.empty()) tx.query(lock, key);
      return tx.change(repair, key) > 0;
    });
    if (repaired) out.push_back(fmt::format("{} {}", what, name));
  }
  return out;
}

void append(std::vector<std::string>& out, std::vector<std::string> more) { out.insert(out.end(), more.begin(), more.end()); }

#define SCORIA_READERS(table) \
  "(SELECT count(*) FROM op_res r JOIN operation o ON o.id = r.op WHERE r.rtype = '" table "' AND r.rid = " table ".id AND r.mode = 'S' " \
  "AND o.state IN ('ready', 'running', 'waiting'))"

}  // namespace

std::vector<std::string> recount_pools(db::Database& database, const std::string& backend) {
  const std::string taken = "(SELECT COALESCE(SUM(v.object_bytes), 0) FROM volume v WHERE v.backend = pool.backend AND v.pool = pool.name)";
  const std::string volumes = "(SELECT count(*) FROM volume v WHERE v.backend = pool.backend AND v.pool = pool.name)";
  const std::string wrong = fmt::format("(allocated_bytes <> {} OR volumes <> {})", taken, volumes);
  return repair_each(database, "SELECT backend, name FROM pool WHERE (? = '' OR backend = ?) AND " + wrong, {backend, backend},
                     "SELECT 1 FROM pool WHERE backend = ? AND name = ?{for_update}",
                     fmt::format("UPDATE pool SET allocated_bytes = {}, volumes = {} WHERE backend = ? AND name = ? AND {}", taken, volumes, wrong),
                     "counted again what is promised of pool");
}

std::vector<std::string> recount_quotas(db::Database& database) {
  // Scope '' is the whole project, else a type's id.
  const std::string of = "c.charged_project = quota_usage.project_id AND (quota_usage.scope = '' OR c.charged_type = quota_usage.scope)";
  const std::string volumes = fmt::format("(SELECT count(*) FROM volume c WHERE {})", of), snapshots = fmt::format("(SELECT count(*) FROM snapshot c WHERE {})", of);
  const std::string gib = fmt::format(
      "((SELECT COALESCE(SUM(c.charged_gib), 0) FROM volume c WHERE {0}) + (SELECT COALESCE(SUM(c.charged_gib), 0) FROM snapshot c WHERE {0}))", of);
  const std::string wrong = fmt::format("(volumes <> {} OR gigabytes <> {} OR snapshots <> {})", volumes, gib, snapshots);
  // A row that is missing altogether is made first: there is nothing to lock before.
  database.write([](db::Transaction& tx) {
    tx.run("INSERT INTO quota_usage (project_id, scope) SELECT charged_project, '' FROM volume WHERE charged_project IS NOT NULL "
           "UNION SELECT charged_project, charged_type FROM volume WHERE charged_project IS NOT NULL ON CONFLICT (project_id, scope) DO NOTHING");
  });
  const std::string repair =
      fmt::format("UPDATE quota_usage SET volumes = {}, gigabytes = {}, snapshots = {} WHERE project_id = ? AND scope = ? AND {}", volumes, gib, snapshots, wrong);
  return repair_each(database, "SELECT project_id, scope FROM quota_usage WHERE " + wrong, {},
                     "SELECT 1 FROM quota_usage WHERE project_id = ? AND scope = ?{for_update}", repair,
                     "counted again the usage of quota of");
}

std::vector<std::string> recount_children(db::Database& database) {
  const std::string snapshots = "(SELECT count(*) FROM snapshot s WHERE s.volume_id = volume.id)";
  const std::string attachments = "(SELECT count(*) FROM attachment a WHERE a.volume_id = volume.id)";
  const std::string volume_wrong = fmt::format("(snapshots <> {} OR attachments <> {} OR s_ops <> " SCORIA_READERS("volume") ")", snapshots, attachments);
  std::vector<std::string> out = repair_each(
      database, "SELECT id FROM volume WHERE " + volume_wrong, {}, "SELECT 1 FROM volume WHERE id = ?{for_update}",
      fmt::format("UPDATE volume SET rev = rev + 1, snapshots = {}, attachments = {}, s_ops = " SCORIA_READERS("volume") " WHERE id = ? AND {}", snapshots,
                  attachments, volume_wrong),
      "counted again the children and readers of volume");
  append(out, repair_each(database, "SELECT id FROM snapshot WHERE s_ops <> " SCORIA_READERS("snapshot"), {}, "SELECT 1 FROM snapshot WHERE id = ?{for_update}",
                          "UPDATE snapshot SET s_ops = " SCORIA_READERS("snapshot") ", rev = rev + 1 WHERE id = ? AND s_ops <> " SCORIA_READERS("snapshot"),
                          "counted again the readers of snapshot"));
  return out;
}

std::vector<std::string> doom_abandoned(db::Database& database) {
#define SCORIA_NEVER_PUBLISHED \
  "state = 'intended' AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.id = op AND o.state IN ('ready', 'running', 'waiting'))"
  return repair_each(database, "SELECT backend, name FROM backend_object WHERE " SCORIA_NEVER_PUBLISHED, {}, {},
                     "UPDATE backend_object SET state = 'doomed', changed_at = scoria_now() WHERE backend = ? AND name = ? AND " SCORIA_NEVER_PUBLISHED,
                     "doomed, as its operation has ended, object");
}

std::vector<std::string> drop_dead_locks(db::Database& database) {
  return repair_each(database, "SELECT name FROM lease_lock WHERE until + 90000000000 < scoria_now()", {}, {},
                     "DELETE FROM lease_lock WHERE name = ? AND until + 90000000000 < scoria_now()", "dropped the lock");
}

std::vector<std::string> repair_all(db::Database& database) {
  std::vector<std::string> out = doom_abandoned(database);
  append(out, recount_children(database));
  append(out, recount_quotas(database));
  append(out, recount_pools(database));
  append(out, drop_dead_locks(database));
  return out;
}

bool record_size(db::Database& database, const store::objects::Listed& object, std::int64_t bytes) {
  try {
    database.write([&](db::Transaction& tx) {
      tx.guard("volume.as_seen", "UPDATE volume SET object_bytes = ?, rev = rev + 1 WHERE id = ? AND rev = ? AND provider_name = ? AND object_bytes = ? AND " SCORIA_UNCLAIMED,
               {bytes, object.owner_id, object.owner_rev, object.name, object.size_bytes});
      tx.guard("object.as_seen", "UPDATE backend_object SET size_bytes = ?, changed_at = scoria_now() WHERE backend = ? AND name = ? AND state = 'published' AND size_bytes = ?",
               {bytes, object.backend, object.name, object.size_bytes});
      tx.guard("pool.known", "UPDATE pool SET allocated_bytes = allocated_bytes + ? WHERE backend = ? AND name = ?", {bytes - object.size_bytes, object.backend, object.pool});
    });
    return true;
  } catch (const db::GuardFailed&) {
    return false;
  }
}

}  // namespace scoria::reconcile
