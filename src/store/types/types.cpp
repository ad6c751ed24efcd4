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

bool visible(db::Transaction& tx, const VolumeType& type, std::string_view project, bool admin) {
  if (type.is_public || admin) return true;
  return !tx.query("SELECT 1 FROM volume_type_access WHERE type_id = ? AND project_id = ?", {type.id.text, project}).empty();
}

void insert(db::Transaction& tx, const VolumeType& type) {
  tx.run("INSERT INTO volume_type (id, name, description, is_public, qos_specs_id, extra_specs, created_at) VALUES (?, ?, ?, ?, ?, ?, scoria_now())",
         {type.id.text, type.name, db::or_null(type.description), type.is_public, db::or_null(type.qos_specs_id), extra_specs_json(type.extra_specs)});
}

std::string extra_specs_json(const ExtraSpecs& specs) {
  json::Writer out;
  out.begin_object();
  for (const auto& [key, value] : specs) out.field(key, std::string_view{value});
  return out.end_object().take();
}

}  // namespace scoria::store::types
