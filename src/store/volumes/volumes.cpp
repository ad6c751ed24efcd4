#include "store/volumes/volumes.h"

#include <fmt/core.h>

#include "domain/claim_sql.h"
#include "store/backends/names.h"

namespace scoria::store::volumes {
namespace {

/// SET of a holder that is done: `status` (SQL), or `deleting` when the claim goes on to the deletion that waits for it,
/// which would return to `status`.
std::string rest(std::string_view status) {
  return fmt::format("status = CASE WHEN next_op IS NULL THEN {0} ELSE 'deleting' END, previous_status = CASE WHEN next_op IS NULL THEN previous_status ELSE {0} END",
                     status);
}

}  // namespace

const std::string_view columns =
    "volume.id, volume.project_id, volume.user_id, volume.name, volume.description, volume.size_gib, volume.status, volume.previous_status, "
    "volume.attach_status, volume.migration_status, volume.replication_status, volume.volume_type_id, volume.availability_zone, volume.backend, "
    "volume.pool, volume.provider_name, volume.object_bytes, volume.snapshot_id, volume.source_volid, volume.group_id, volume.bootable, "
    "volume.multiattach, volume.readonly, volume.consumes_quota, volume.metadata, volume.image_metadata, volume.snapshots, volume.attachments, "
    "volume.charged_project, volume.charged_type, volume.charged_gib, volume.x_op, volume.x_mode, volume.next_op, volume.s_ops, volume.rev, volume.created_at, "
    "volume.updated_at, volume.launched_at";

Volume read(const db::Rows& rows, std::size_t row, std::size_t column) {
  const auto text = [&] { return rows.at(row, column++).text(); };
  const auto number = [&] { return rows.at(row, column++).integer(); };
  const auto time = [&] { return rows.at(row, column++).time(); };
  Volume v;
  v.id = {text()}, v.project_id = text(), v.user_id = text(), v.name = text(), v.description = text(), v.size_gib = number();
  parse(rows.at(row, column++).text(), v.status);
  v.previous_status = text(), v.attach_status = text(), v.migration_status = text(), v.replication_status = text(), v.type = {text()};
  v.availability_zone = text(), v.backend = text(), v.pool = text(), v.provider_name = text(), v.object_bytes = number();
  v.snapshot_id = text(), v.source_volid = text(), v.group_id = text(), v.bootable = number() != 0, v.multiattach = number() != 0;
  v.readonly = number() != 0, v.consumes_quota = number() != 0, v.metadata = text(), v.image_metadata = text();
  v.snapshots = number(), v.attachments = number(), v.charge.project = text(), v.charge.type = text(), v.charge.gib = number();
  v.x_op = text(), v.x_mode = text(), v.next_op = text(), v.s_ops = number(), v.rev = number();
  v.created_at = time(), v.updated_at = time(), v.launched_at = time();
  return v;
}

void insert(db::Transaction& tx, const Volume& v) {
  tx.run(
      "INSERT INTO volume (id, project_id, user_id, name, description, size_gib, status, attach_status, replication_status, volume_type_id, "
      "availability_zone, snapshot_id, source_volid, group_id, bootable, multiattach, consumes_quota, metadata, image_metadata, charged_project, "
      "charged_type, charged_gib, x_op, x_mode, backend, pool, object_bytes, created_at) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, scoria_now())",
      {v.id.text, v.project_id, v.user_id, db::or_null(v.name), db::or_null(v.description), v.size_gib, to_text(v.status), v.attach_status,
       db::or_null(v.replication_status), v.type.text, v.availability_zone, db::or_null(v.snapshot_id), db::or_null(v.source_volid),
       db::or_null(v.group_id), v.bootable, v.multiattach, v.consumes_quota, v.metadata, v.image_metadata, db::or_null(v.charge.project),
       db::or_null(v.charge.type), v.charge.gib, db::or_null(v.x_op), db::or_null(v.x_mode), db::or_null(v.backend), db::or_null(v.pool), v.object_bytes});
}

std::optional<Volume> find(db::Transaction& tx, const VolumeId& id) {
  static const std::string sql = fmt::format("SELECT {} FROM volume WHERE id = ?", columns);
  const db::Rows rows = tx.query(sql, {id.text});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

void take(db::Transaction& tx, std::string_view label, const VolumeId& id, std::string_view operation, char mode,
          std::initializer_list<VolumeStatus> from, VolumeStatus to, std::string_view also) {
  const std::string sql = fmt::format("UPDATE volume SET previous_status = status, status = '{}', updated_at = scoria_now(), " SCORIA_TAKE_CLAIM
                                      " WHERE id = ? AND " SCORIA_UNCLAIMED " AND status IN ({}){}{}",
                                      to_text(to), sql_list(from), also.empty() ? "" : " AND ", also);
  tx.guard(label, sql, {operation, std::string(1, mode), id.text});
}

void queue_behind(db::Transaction& tx, std::string_view label, const Volume& seen, std::string_view operation) {
  tx.guard(label, "UPDATE volume SET " SCORIA_PROMISE_CLAIM ", updated_at = scoria_now() WHERE id = ? AND rev = ? AND x_op = ? AND next_op IS NULL",
           {operation, seen.id.text, seen.rev, seen.x_op});
}

void step_back(db::Transaction& tx, const VolumeId& id, std::string_view operation) {
  tx.guard("volume.settle", "UPDATE volume SET next_op = NULL, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND next_op = ?", {id.text, operation});
}

void require_at(db::Transaction& tx, const Volume& seen) {
  tx.guard(backends::moved_away, "UPDATE volume SET rev = rev + 1 WHERE id = ? AND COALESCE(backend, '') = ?", {seen.id.text, seen.backend});
}

void place(db::Transaction& tx, const VolumeId& id, std::string_view operation, const std::string& backend, const std::string& pool,
           std::int64_t object_bytes) {
  tx.guard("volume.place", "UPDATE volume SET backend = ?, pool = ?, object_bytes = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND x_op = ?",
           {db::or_null(backend), db::or_null(pool), object_bytes, id.text, operation});
}

void settle(db::Transaction& tx, const VolumeId& id, std::string_view operation, VolumeStatus from, VolumeStatus to) {
  const std::string sql = fmt::format("UPDATE volume SET {}, updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK " WHERE id = ? AND x_op = ? AND status = '{}'",
                                      rest(fmt::format("'{}'", to_text(to))), to_text(from));
  tx.guard("volume.settle", sql, {id.text, operation});
}

void settle_back(db::Transaction& tx, const VolumeId& id, std::string_view operation, VolumeStatus from) {
  const std::string sql = fmt::format("UPDATE volume SET {}, updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK " WHERE id = ? AND x_op = ? AND status = '{}'",
                                      rest("previous_status"), to_text(from));
  tx.guard("volume.settle", sql, {id.text, operation});
}

void require_quiet(db::Transaction& tx, const VolumeId& id, std::string_view operation) {
  tx.guard("volume.quiet", "UPDATE volume SET rev = rev + 1 WHERE id = ? AND x_op = ? AND s_ops = 0", {id.text, operation});
}

void publish(db::Transaction& tx, const VolumeId& id, std::string_view operation, const std::string& provider_name) {
  const std::string sql = fmt::format("UPDATE volume SET {}, provider_name = ?, launched_at = scoria_now(), updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK
                                      " WHERE id = ? AND x_op = ? AND status = 'creating'",
                                      rest("'available'"));
  tx.guard("volume.publish", sql, {provider_name, id.text, operation});
}

void settle_grown(db::Transaction& tx, const VolumeId& id, std::string_view operation, std::int64_t size_gib, std::int64_t object_bytes) {
  const std::string sql = fmt::format("UPDATE volume SET {}, size_gib = ?, object_bytes = ?, updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK
                                      " WHERE id = ? AND x_op = ? AND status = 'extending'",
                                      rest("previous_status"));
  tx.guard("volume.grown", sql, {size_gib, object_bytes, id.text, operation});
}

void take_to_grow(db::Transaction& tx, std::string_view label, const VolumeId& id, std::string_view operation, std::int64_t old_gib,
                  std::int64_t new_gib, std::initializer_list<VolumeStatus> from) {
  const std::string sql =
      fmt::format("UPDATE volume SET previous_status = status, status = 'extending', charged_gib = charged_gib + ?, updated_at = scoria_now(), " SCORIA_TAKE_CLAIM
                  " WHERE id = ? AND " SCORIA_UNCLAIMED " AND size_gib = ? AND status IN ({})",
                  sql_list(from));
  tx.guard(label, sql, {new_gib - old_gib, operation, "L", id.text, old_gib});
}

void settle_not_grown(db::Transaction& tx, const VolumeId& id, std::string_view operation, std::int64_t old_gib, std::int64_t object_bytes, bool untouched) {
  const std::string sql = fmt::format("UPDATE volume SET {}, charged_gib = ?, object_bytes = ?, updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK
                                      " WHERE id = ? AND x_op = ? AND status = 'extending'",
                                      rest(untouched ? "previous_status" : "'error_extending'"));
  tx.guard("volume.settle", sql, {old_gib, object_bytes, id.text, operation});
}

void settle_flipped(db::Transaction& tx, const VolumeId& id, std::string_view operation, VolumeStatus from, const std::string& provider_name) {
  const std::string sql = fmt::format("UPDATE volume SET {}, provider_name = ?, updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK
                                      " WHERE id = ? AND x_op = ? AND status = '{}'",
                                      rest("previous_status"), to_text(from));
  tx.guard("volume.flip", sql, {provider_name, id.text, operation});
}

std::int64_t describe(db::Transaction& tx, const VolumeId& id, std::int64_t rev, const std::string& name, const std::string& description) {
  return tx.change("UPDATE volume SET name = ?, description = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND rev = ?",
                   {db::or_null(name), db::or_null(description), id.text, rev});
}

std::int64_t set_metadata(db::Transaction& tx, const VolumeId& id, std::int64_t rev, const std::string& metadata) {
  return tx.change("UPDATE volume SET metadata = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND rev = ?", {metadata, id.text, rev});
}

std::int64_t set_image_metadata(db::Transaction& tx, const VolumeId& id, std::int64_t rev, const std::string& metadata) {
  return tx.change("UPDATE volume SET image_metadata = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND rev = ?", {metadata, id.text, rev});
}

std::int64_t set_bootable(db::Transaction& tx, const VolumeId& id, bool bootable) {
  return tx.change("UPDATE volume SET bootable = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND status <> 'maintenance'", {bootable, id.text});
}

std::int64_t set_readonly(db::Transaction& tx, const VolumeId& id, bool readonly) {
  return tx.change("UPDATE volume SET readonly = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND status = 'available' AND " SCORIA_UNCLAIMED,
                   {readonly, id.text});
}

std::int64_t change_status(db::Transaction& tx, const VolumeId& id, std::initializer_list<VolumeStatus> from, VolumeStatus to, std::string_view also) {
  const std::string sql = fmt::format("UPDATE volume SET previous_status = status, status = '{}', rev = rev + 1, updated_at = scoria_now() "
                                      "WHERE id = ? AND " SCORIA_UNCLAIMED " AND status IN ({}){}{}",
                                      to_text(to), sql_list(from), also.empty() ? "" : " AND ", also);
  return tx.change(sql, {id.text});
}

std::int64_t override_status(db::Transaction& tx, const VolumeId& id, std::int64_t rev, VolumeStatus to, const std::string& attach_status,
                             const std::string& migration_status) {
  const std::string sql = fmt::format("UPDATE volume SET previous_status = status, status = '{}', attach_status = coalesce(?, attach_status), "
                                      "migration_status = coalesce(?, migration_status), rev = rev + 1, updated_at = scoria_now() "
                                      "WHERE id = ? AND rev = ? AND " SCORIA_UNCLAIMED,
                                      to_text(to));
  return tx.change(sql, {db::or_null(attach_status), db::or_null(migration_status), id.text, rev});
}

void remove(db::Transaction& tx, const VolumeId& id, std::string_view operation) {
  tx.guard("volume.remove", "DELETE FROM volume WHERE id = ? AND x_op = ? AND next_op IS NULL AND s_ops = 0 AND snapshots = 0 AND attachments = 0", {id.text, operation});
}

}  // namespace scoria::store::volumes
