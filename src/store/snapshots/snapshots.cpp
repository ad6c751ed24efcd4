#include "store/snapshots/snapshots.h"

#include <fmt/core.h>

#include "domain/claim_sql.h"
#include "store/backends/names.h"

namespace scoria::store::snapshots {

const std::string_view columns =
    "snapshot.id, snapshot.volume_id, snapshot.project_id, snapshot.user_id, snapshot.name, snapshot.description, snapshot.status, snapshot.size_gib, "
    "snapshot.volume_type_id, snapshot.group_snapshot_id, snapshot.backend, snapshot.pool, snapshot.provider_name, snapshot.progress, "
    "snapshot.consumes_quota, snapshot.metadata, snapshot.charged_project, snapshot.charged_type, snapshot.charged_gib, snapshot.x_op, snapshot.x_mode, "
    "snapshot.next_op, snapshot.s_ops, snapshot.rev, snapshot.created_at, snapshot.updated_at";

Snapshot read(const db::Rows& rows, std::size_t row) {
  std::size_t column = 0;
  const auto text = [&] { return rows.at(row, column++).text(); };
  const auto number = [&] { return rows.at(row, column++).integer(); };
  const auto time = [&] { return rows.at(row, column++).time(); };
  Snapshot s;
  s.id = {text()}, s.volume_id = {text()}, s.project_id = text(), s.user_id = text(), s.name = text(), s.description = text();
  parse(text(), s.status);
  s.size_gib = number(), s.type = {text()}, s.group_snapshot_id = text(), s.backend = text(), s.pool = text(), s.provider_name = text();
  s.progress = static_cast<int>(number()), s.consumes_quota = number() != 0, s.metadata = text();
  s.charge.project = text(), s.charge.type = text(), s.charge.gib = number(), s.x_op = text(), s.x_mode = text(), s.next_op = text(), s.s_ops = number(), s.rev = number();
  s.created_at = time(), s.updated_at = time();
  return s;
}

void insert(db::Transaction& tx, const Snapshot& s) {
  tx.run(
      "INSERT INTO snapshot (id, volume_id, project_id, user_id, name, description, status, size_gib, volume_type_id, group_snapshot_id, backend, pool, "
      "consumes_quota, metadata, charged_project, charged_type, charged_gib, x_op, x_mode, created_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, scoria_now())",
      {s.id.text, s.volume_id.text, s.project_id, s.user_id, db::or_null(s.name), db::or_null(s.description), to_text(s.status), s.size_gib, s.type.text,
       db::or_null(s.group_snapshot_id), s.backend, s.pool, s.consumes_quota, s.metadata, db::or_null(s.charge.project), db::or_null(s.charge.type),
       s.charge.gib, db::or_null(s.x_op), db::or_null(s.x_mode)});
}

void add_to_volume(db::Transaction& tx, const VolumeId& volume, std::initializer_list<VolumeStatus> from) {
  const std::string sql = fmt::format("UPDATE volume SET snapshots = snapshots + 1, s_ops = s_ops + 1, rev = rev + 1 WHERE id = ? AND " SCORIA_READABLE
                                      " AND status IN ({}) AND backend IS NOT NULL AND provider_name IS NOT NULL"
                                      " AND NOT EXISTS (SELECT 1 FROM backend b WHERE b.name = volume.backend AND b.frozen = 1)",
                                      sql_list(from));
  tx.contended();
  tx.guard("snapshot.volume", sql, {volume.text});
}

void remove_from_volume(db::Transaction& tx, const VolumeId& volume) {
  tx.contended();
  tx.guard("snapshot.parent", "UPDATE volume SET snapshots = snapshots - 1, rev = rev + 1 WHERE id = ?", {volume.text});
}

std::optional<Snapshot> find(db::Transaction& tx, const SnapshotId& id) {
  static const std::string sql = fmt::format("SELECT {} FROM snapshot WHERE id = ?", columns);
  const db::Rows rows = tx.query(sql, {id.text});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

std::vector<Snapshot> of_volume(db::Transaction& tx, const VolumeId& volume) {
  static const std::string sql = fmt::format("SELECT {} FROM snapshot WHERE volume_id = ? ORDER BY created_at, id", columns);
  const db::Rows rows = tx.query(sql, {volume.text});
  std::vector<Snapshot> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(read(rows, i));
  return out;
}

void take(db::Transaction& tx, std::string_view label, const SnapshotId& id, std::string_view operation, std::initializer_list<SnapshotStatus> from,
          SnapshotStatus to, std::string_view also) {
  const std::string sql = fmt::format("UPDATE snapshot SET status = '{}', updated_at = scoria_now(), " SCORIA_TAKE_CLAIM " WHERE id = ? AND " SCORIA_UNCLAIMED
                                      " AND status IN ({}){}{}",
                                      to_text(to), sql_list(from), also.empty() ? "" : " AND ", also);
  tx.guard(label, sql, {operation, "X", id.text});
}

void require_at(db::Transaction& tx, const Snapshot& seen) {
  tx.guard(backends::moved_away, "UPDATE snapshot SET rev = rev + 1 WHERE id = ? AND backend = ?", {seen.id.text, seen.backend});
}

void queue_behind(db::Transaction& tx, std::string_view label, const Snapshot& seen, std::string_view operation) {
  tx.guard(label, "UPDATE snapshot SET " SCORIA_PROMISE_CLAIM ", updated_at = scoria_now() WHERE id = ? AND rev = ? AND x_op = ? AND next_op IS NULL",
           {operation, seen.id.text, seen.rev, seen.x_op});
}

void step_back(db::Transaction& tx, const SnapshotId& id, std::string_view operation) {
  tx.guard("snapshot.settle", "UPDATE snapshot SET next_op = NULL, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND next_op = ?", {id.text, operation});
}

void settle_kept(db::Transaction& tx, const SnapshotId& id, std::string_view operation) {
  tx.guard("snapshot.settle",
           "UPDATE snapshot SET status = CASE WHEN provider_name IS NULL THEN 'error' WHEN EXISTS (SELECT 1 FROM backend_object b "
           "WHERE b.backend = snapshot.backend AND b.name = snapshot.provider_name AND b.state = 'published') THEN 'available' ELSE 'error_deleting' END, "
           "updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK " WHERE id = ? AND x_op = ? AND status = 'deleting'",
           {id.text, operation});
}

void settle(db::Transaction& tx, const SnapshotId& id, std::string_view operation, SnapshotStatus from, SnapshotStatus to) {
  const std::string sql = fmt::format("UPDATE snapshot SET status = CASE WHEN next_op IS NULL THEN '{}' ELSE 'deleting' END, "
                                      "updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK
                                      " WHERE id = ? AND x_op = ? AND status = '{}'",
                                      to_text(to), to_text(from));
  tx.guard("snapshot.settle", sql, {id.text, operation});
}

void publish(db::Transaction& tx, const SnapshotId& id, std::string_view operation, const std::string& provider_name) {
  tx.guard("snapshot.publish",
           "UPDATE snapshot SET status = CASE WHEN next_op IS NULL THEN 'available' ELSE 'deleting' END, "
           "provider_name = ?, progress = 100, updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK
           " WHERE id = ? AND x_op = ? AND status = 'creating'",
           {provider_name, id.text, operation});
}

void require_quiet(db::Transaction& tx, const SnapshotId& id, std::string_view operation) {
  tx.guard("snapshot.quiet", "UPDATE snapshot SET rev = rev + 1 WHERE id = ? AND x_op = ? AND s_ops = 0", {id.text, operation});
}

void remove(db::Transaction& tx, const SnapshotId& id, std::string_view operation) {
  tx.guard("snapshot.remove", "DELETE FROM snapshot WHERE id = ? AND x_op = ? AND next_op IS NULL AND s_ops = 0", {id.text, operation});
}

std::int64_t describe(db::Transaction& tx, const SnapshotId& id, std::int64_t rev, const std::string& name, const std::string& description) {
  return tx.change("UPDATE snapshot SET name = ?, description = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND rev = ?",
                   {db::or_null(name), db::or_null(description), id.text, rev});
}

std::int64_t set_metadata(db::Transaction& tx, const SnapshotId& id, std::int64_t rev, const std::string& metadata) {
  return tx.change("UPDATE snapshot SET metadata = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND rev = ?", {metadata, id.text, rev});
}

std::int64_t override_status(db::Transaction& tx, const SnapshotId& id, std::int64_t rev, SnapshotStatus to, std::optional<int> progress) {
  const std::string sql = fmt::format("UPDATE snapshot SET status = '{}', progress = coalesce(?, progress), rev = rev + 1, updated_at = scoria_now() "
                                      "WHERE id = ? AND rev = ? AND " SCORIA_UNCLAIMED,
                                      to_text(to));
  return tx.change(sql, {progress ? db::Value{*progress} : db::Value{}, id.text, rev});
}

}  // namespace scoria::store::snapshots
