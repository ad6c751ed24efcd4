#include "store/volumes/list.h"

#include <fmt/core.h>

namespace scoria::store::volumes {
namespace {

using enum ListColumn::Type;

constexpr ListColumn list_columns[] = {
    {"id", "volume.id", text, false},
    {"name", "volume.name", text, true},
    {"description", "volume.description", text, true},
    {"status", "volume.status", text, false},
    {"size", "volume.size_gib", integer, false},
    {"metadata", "{json_text:volume.metadata:?} = ?", entries, false},
    {"glance_metadata", "{json_text:volume.image_metadata:?} = ?", entries, false},
    {"bootable", "volume.bootable", flag, false},
    {"migration_status", "volume.migration_status", text, true},
    {"availability_zone", "volume.availability_zone", text, false},
    {"group_id", "volume.group_id", text, true},
    {"consistencygroup_id", "volume.group_id", text, true},
    {"created_at", "volume.created_at", time, false},
    {"updated_at", "volume.updated_at", time, true},
    {"consumes_quota", "volume.consumes_quota", flag, false},
    {"host", "volume.backend || '#' || volume.pool", text, true},
    {"project_id", "volume.project_id", text, false},
    {"user_id", "volume.user_id", text, false},
    {"volume_type_id", "volume.volume_type_id", text, false},
    {"snapshot_id", "volume.snapshot_id", text, true},
    {"source_volid", "volume.source_volid", text, true},
    {"attach_status", "volume.attach_status", text, false},
    {"multiattach", "volume.multiattach", flag, false},
    {"replication_status", "volume.replication_status", text, true},
    {"service_uuid", "service.id", text, true},
    {"provider_id", "volume.provider_name", text, true},
};

const std::string& selected() {
  static const std::string text = fmt::format("{}{}", columns, shown_columns);
  return text;
}

}  // namespace

const ListTable list_table = {"Volume", selected(), shown_from, "", "volume.id", "volume.project_id", list_columns};

Summary summary(db::Transaction& tx, const std::string& project) {
  const std::string where = project.empty() ? "" : " WHERE project_id = ?";
  const db::Values values = project.empty() ? db::Values{} : db::Values{project};
  const db::Rows sums = tx.query("SELECT count(*), CAST(coalesce(sum(size_gib), 0) AS BIGINT) FROM volume" + where, values);
  Summary out{sums.at(0, 0).integer(), sums.at(0, 1).integer(), {}};
  const db::Rows texts = tx.query("SELECT DISTINCT metadata FROM volume" + (where.empty() ? std::string(" WHERE") : where + " AND") + " metadata <> '{}'", values);
  for (std::size_t i = 0; i < texts.size(); ++i) out.metadata.push_back(texts.at(i, 0).text());
  return out;
}

}  // namespace scoria::store::volumes
