#include "store/types/defaults.h"

namespace scoria::store::types {

std::optional<VolumeTypeId> default_of(db::Transaction& tx, std::string_view project) {
  const db::Rows rows = tx.query("SELECT type_id FROM volume_type_default WHERE project_id = ?", {project});
  if (rows.empty()) return std::nullopt;
  return VolumeTypeId{rows.at(0, 0).text()};
}

std::vector<std::pair<std::string, VolumeTypeId>> all_defaults(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT project_id, type_id FROM volume_type_default ORDER BY project_id");
  std::vector<std::pair<std::string, VolumeTypeId>> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.emplace_back(rows.at(i, 0).text(), VolumeTypeId{rows.at(i, 1).text()});
  return out;
}

bool is_default_of_any(db::Transaction& tx, const VolumeTypeId& type) {
  return !tx.query("SELECT 1 FROM volume_type_default WHERE type_id = ? LIMIT 1", {type.text}).empty();
}

void set_default(db::Transaction& tx, std::string_view project, const VolumeTypeId& type) {
  tx.run("INSERT INTO volume_type_default (project_id, type_id) VALUES (?, ?) ON CONFLICT (project_id) DO UPDATE SET type_id = excluded.type_id", {project, type.text});
}

void unset_default(db::Transaction& tx, std::string_view project) { tx.run("DELETE FROM volume_type_default WHERE project_id = ?", {project}); }

}  // namespace scoria::store::types
