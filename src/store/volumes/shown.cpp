#include "store/volumes/shown.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "json/parse.h"

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
    {"cluster_name", "CASE WHEN backend.cluster IS NOT NULL THEN volume.backend || '#' || volume.pool END", text, true},
    {"provider_id", "volume.provider_name", text, true},
};

// One statement whatever is attached; a volume that is not costs no look at the attachments.
constexpr std::string_view selected =
    "volume.id, volume.project_id, volume.user_id, volume.name, volume.description, volume.status, volume.migration_status, "
    "volume.replication_status, volume.volume_type_id, volume_type.name, volume.availability_zone, volume.backend, volume.pool, "
    "volume.provider_name, volume.snapshot_id, volume.source_volid, volume.group_id, volume.metadata, volume.image_metadata, service.id, backend.cluster, "
    "volume.size_gib, volume.bootable, volume.multiattach, volume.readonly, volume.consumes_quota, volume.created_at, volume.updated_at, "
    "CASE WHEN volume.attachments > 0 THEN (SELECT {json_rows:attachment.id, attachment.instance_id, attachment.attached_host, "
    "attachment.mountpoint, attachment.attach_time, attachment.created_at} FROM attachment "
    "WHERE attachment.volume_id = volume.id AND attachment.attach_status = 'attached') END";
constexpr std::string_view from =
    "volume JOIN volume_type ON volume_type.id = volume.volume_type_id "
    "LEFT JOIN service ON service.host = volume.backend AND service.binary_name = 'cinder-volume' LEFT JOIN backend ON backend.name = volume.backend";

std::vector<ShownAttachment> read_attachments(std::string_view text) {
  std::vector<ShownAttachment> out;
  if (text.empty()) return out;
  const auto rows = json::parse(text);
  if (!rows || !rows->is_array()) throw db::Error("attachments that are no JSON list");
  const auto word = [](const json::Value& value) { return value.is_string() ? value.string() : std::string{}; };
  const auto time = [](const json::Value& value) { return Timestamp{value.is_integer() ? value.integer() : 0}; };
  for (const json::Value& row : rows->array()) {
    const auto& cells = row.array();
    out.push_back({word(cells.at(0)), word(cells.at(1)), word(cells.at(2)), word(cells.at(3)), time(cells.at(4)), time(cells.at(5))});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id); });
  return out;
}

}  // namespace

const ListTable list_table = {"Volume", selected, from, "", "volume.id", "volume.project_id", list_columns};

db::Rows find_shown(db::Transaction& tx, const VolumeId& id) {
  static const std::string sql = fmt::format("SELECT {} FROM {} WHERE volume.id = ?", selected, from);
  return tx.query(sql, {id.text});
}

Shown read_shown(const db::Rows& rows, std::size_t row) {
  std::size_t column = 0;
  const auto text = [&]() -> std::string_view { return rows.at(row, column++).view(); };
  const auto flag = [&] { return rows.at(row, column++).flag(); };
  const auto time = [&] { return rows.at(row, column++).time(); };
  Shown v;
  v.id = text(), v.project_id = text(), v.user_id = text(), v.name = text(), v.description = text(), v.status = text(), v.migration_status = text();
  v.replication_status = text(), v.type = text(), v.type_name = text(), v.zone = text(), v.backend = text(), v.pool = text();
  v.provider_name = text(), v.snapshot_id = text(), v.source_volid = text(), v.group_id = text(), v.metadata = text(), v.image_metadata = text();
  v.service_uuid = text(), v.cluster = text(), v.size_gib = rows.at(row, column++).integer(), v.bootable = flag(), v.multiattach = flag(), v.readonly = flag();
  v.consumes_quota = flag(), v.created_at = time(), v.updated_at = time(), v.attachments = read_attachments(text());
  return v;
}

Shown shown(const Volume& volume) {
  Shown v;
  v.id = volume.id.text, v.project_id = volume.project_id, v.user_id = volume.user_id, v.name = volume.name, v.description = volume.description;
  v.status = to_text(volume.status), v.migration_status = volume.migration_status, v.replication_status = volume.replication_status;
  v.type = volume.type.text, v.zone = volume.availability_zone, v.backend = volume.backend, v.pool = volume.pool;
  v.provider_name = volume.provider_name, v.snapshot_id = volume.snapshot_id, v.source_volid = volume.source_volid, v.group_id = volume.group_id;
  v.metadata = volume.metadata, v.image_metadata = volume.image_metadata, v.size_gib = volume.size_gib, v.bootable = volume.bootable;
  v.multiattach = volume.multiattach, v.readonly = volume.readonly, v.consumes_quota = volume.consumes_quota;
  v.created_at = volume.created_at, v.updated_at = volume.updated_at;
  return v;
}

}  // namespace scoria::store::volumes
