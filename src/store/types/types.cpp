#include "store/types/types.h"

#include "base/check.h"
#include "json/parse.h"
#include "json/writer.h"

namespace scoria::store::types {

const std::string_view columns =
    "volume_type.id, volume_type.name, volume_type.description, volume_type.is_public, volume_type.qos_specs_id, volume_type.extra_specs, "
    "volume_type.rev, volume_type.created_at, volume_type.updated_at";

VolumeType read(const db::Rows& rows, std::size_t row) {
  VolumeType type;
  type.id = {rows.at(row, 0).text()}, type.name = rows.at(row, 1).text(), type.description = rows.at(row, 2).text();
  type.is_public = rows.at(row, 3).flag(), type.qos_specs_id = rows.at(row, 4).text();
  const auto specs = json::parse(rows.at(row, 5).text());
  SCORIA_CHECK(specs && specs->is_object(), "stored extra specs are no JSON object");
  for (const auto& [key, value] : specs->object()) type.extra_specs.emplace(key, value.is_string() ? value.string() : std::string{});
  type.rev = rows.at(row, 6).integer(), type.created_at = rows.at(row, 7).time(), type.updated_at = rows.at(row, 8).time();
  return type;
}

std::optional<VolumeType> find(db::Transaction& tx, std::string_view id_or_name) {
  static const std::string sql = "SELECT " + std::string(columns) + " FROM volume_type WHERE id = ? OR name = ? ORDER BY CASE WHEN id = ? THEN 0 ELSE 1 END LIMIT 1";
  const db::Rows rows = tx.query(sql, {id_or_name, id_or_name, id_or_name});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

std::optional<VolumeType> find_default(db::Transaction& tx, std::string_view project, std::string_view id_or_name) {
  static const std::string sql = "SELECT " + std::string(columns) + " FROM volume_type LEFT JOIN volume_type_default d ON d.project_id = ? "
                                 "WHERE volume_type.id = COALESCE(d.type_id, ?) OR (d.type_id IS NULL AND volume_type.name = ?) "
                                 "ORDER BY CASE WHEN volume_type.id = ? THEN 0 ELSE 1 END LIMIT 1";
  const db::Rows rows = tx.query(sql, {project, id_or_name, id_or_name, id_or_name});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

std::optional<VolumeType> find_by_id(db::Transaction& tx, std::string_view id) {
  static const std::string sql = "SELECT " + std::string(columns) + " FROM volume_type WHERE id = ?";
  const db::Rows rows = tx.query(sql, {id});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

std::optional<VolumeType> lock(db::Transaction& tx, std::string_view id) {
  static const std::string sql = "SELECT " + std::string(columns) + " FROM volume_type WHERE id = ?{for_update}";
  const db::Rows rows = tx.query(sql, {id});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

bool in_use(db::Transaction& tx, std::string_view id) { return !tx.query("SELECT 1 FROM volume WHERE volume_type_id = ? LIMIT 1", {id}).empty(); }

std::int64_t count(db::Transaction& tx) { return tx.query("SELECT COUNT(*) FROM volume_type").at(0, 0).integer(); }

bool visible(db::Transaction& tx, const VolumeType& type, std::string_view project, bool admin) {
  if (type.is_public || admin) return true;
  return !tx.query("SELECT 1 FROM volume_type_access WHERE type_id = ? AND project_id = ?", {type.id.text, project}).empty();
}

void insert(db::Transaction& tx, const VolumeType& type) {
  tx.run("INSERT INTO volume_type (id, name, description, is_public, qos_specs_id, extra_specs, created_at) VALUES (?, ?, ?, ?, ?, ?, scoria_now())",
         {type.id.text, type.name, db::or_null(type.description), type.is_public, db::or_null(type.qos_specs_id), extra_specs_json(type.extra_specs)});
}

void describe(db::Transaction& tx, const VolumeType& type) {
  tx.run("UPDATE volume_type SET name = ?, description = ?, is_public = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ?",
         {type.name, db::or_null(type.description), type.is_public, type.id.text});
}

void set_extra_specs(db::Transaction& tx, const VolumeTypeId& id, const ExtraSpecs& specs) {
  tx.run("UPDATE volume_type SET extra_specs = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ?", {extra_specs_json(specs), id.text});
}

void remove(db::Transaction& tx, const VolumeTypeId& id) {
  tx.run("DELETE FROM volume_type_access WHERE type_id = ?", {id.text});
  tx.run("DELETE FROM quota_limit WHERE scope = ?", {id.text});
  tx.run("DELETE FROM quota_class_limit WHERE scope = ?", {id.text});
  tx.run("DELETE FROM quota_usage WHERE scope = ? AND volumes = 0 AND gigabytes = 0 AND snapshots = 0", {id.text});
  tx.guard("type", "DELETE FROM volume_type WHERE id = ?", {id.text});
}

std::vector<std::string> projects_with_access(db::Transaction& tx, const VolumeTypeId& id) {
  const db::Rows rows = tx.query("SELECT project_id FROM volume_type_access WHERE type_id = ? ORDER BY project_id", {id.text});
  std::vector<std::string> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = rows.at(i, 0).text();
  return out;
}

bool add_access(db::Transaction& tx, const VolumeTypeId& id, std::string_view project) {
  return tx.change("INSERT INTO volume_type_access (type_id, project_id) VALUES (?, ?) ON CONFLICT DO NOTHING", {id.text, project}) == 1;
}

bool remove_access(db::Transaction& tx, const VolumeTypeId& id, std::string_view project) {
  return tx.change("DELETE FROM volume_type_access WHERE type_id = ? AND project_id = ?", {id.text, project}) == 1;
}

std::string extra_specs_json(const ExtraSpecs& specs) {
  json::Writer out;
  out.begin_object();
  for (const auto& [key, value] : specs) out.field(key, std::string_view{value});
  return out.end_object().take();
}

}  // namespace scoria::store::types
