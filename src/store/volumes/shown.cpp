#include "store/volumes/shown.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "db/values.h"
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
    {"service_uuid", "(SELECT service.id FROM service WHERE service.host = volume.backend AND service.binary_name = 'cinder-volume')", text, true},
    {"cluster_name", "(SELECT volume.backend || '#' || volume.pool FROM backend WHERE backend.name = volume.backend AND backend.cluster IS NOT NULL)", text, true},
    {"provider_id", "volume.provider_name", text, true},
};

// Names that are not its own: names.h. What is true or not travels in one number: a column costs more than a sum.
namespace bit {
constexpr std::int64_t bootable = 1, multiattach = 2, readonly = 4, consumes_quota = 8, attached = 16;
}
constexpr std::string_view selected =
    "volume.id, volume.project_id, volume.user_id, volume.name, volume.description, volume.status, volume.migration_status, "
    "volume.replication_status, volume.volume_type_id, volume.availability_zone, volume.backend, volume.pool, "
    "volume.provider_name, volume.snapshot_id, volume.source_volid, volume.group_id, volume.metadata, volume.image_metadata, "
    "volume.size_gib, volume.created_at, volume.updated_at, "
    "volume.bootable + 2 * volume.multiattach + 4 * volume.readonly + 8 * volume.consumes_quota + CASE WHEN volume.attachments > 0 THEN 16 ELSE 0 END";
// Of one volume all comes with one statement; if it is not attached, without a look at the attachments.
constexpr std::string_view selected_attachments =
    "CASE WHEN volume.attachments > 0 THEN (SELECT {json_rows:attachment.id, attachment.instance_id, attachment.attached_host, "
    "attachment.mountpoint, attachment.attach_time, attachment.created_at} FROM attachment "
    "WHERE attachment.volume_id = volume.id AND attachment.attach_status = 'attached') END";

struct Read {
  Shown volume;
  bool attached = false;    // or reserved, or about to be
  std::size_t columns = 0;  // that it stood in
};

Read read_own(const db::Rows& rows, std::size_t row) {
  std::size_t column = 0;
  const auto text = [&]() -> std::string_view { return rows.at(row, column++).view(); };
  const auto time = [&] { return rows.at(row, column++).time(); };
  Read out;
  Shown& v = out.volume;
  v.id = text(), v.project_id = text(), v.user_id = text(), v.name = text(), v.description = text(), v.status = text(), v.migration_status = text();
  v.replication_status = text(), v.type = text(), v.zone = text(), v.backend = text(), v.pool = text();
  v.provider_name = text(), v.snapshot_id = text(), v.source_volid = text(), v.group_id = text(), v.metadata = text(), v.image_metadata = text();
  v.size_gib = rows.at(row, column++).integer(), v.created_at = time(), v.updated_at = time();
  const std::int64_t flags = rows.at(row, column++).integer();
  v.bootable = (flags & bit::bootable) != 0, v.multiattach = (flags & bit::multiattach) != 0, v.readonly = (flags & bit::readonly) != 0;
  v.consumes_quota = (flags & bit::consumes_quota) != 0, out.attached = (flags & bit::attached) != 0, out.columns = column;
  return out;
}

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

const ListTable list_table = {"Volume", selected, "volume", "", "volume.id", "volume.project_id", list_columns};

db::Rows find_shown(db::Transaction& tx, const VolumeId& id) {
  static const std::string sql = fmt::format("SELECT {}, {} FROM volume WHERE volume.id = ?", selected, selected_attachments);
  return tx.query(sql, {id.text});
}

Shown read_shown(const db::Rows& rows) {
  Read out = read_own(rows, 0);
  out.volume.attachments = read_attachments(rows.at(0, out.columns).view());
  return std::move(out.volume);
}

std::vector<Shown> read_page(db::Transaction& tx, const db::Rows& rows) {
  std::vector<Shown> out;
  std::vector<std::string> attached;
  out.reserve(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    Read one = read_own(rows, row);
    if (one.attached) attached.emplace_back(one.volume.id);
    out.push_back(std::move(one.volume));
  }
  if (attached.empty()) return out;
  std::map<std::string_view, Shown*> by_id;
  for (Shown& volume : out) by_id.emplace(volume.id, &volume);
  const db::Rows found = tx.query("SELECT volume_id, id, instance_id, attached_host, mountpoint, attach_time, created_at FROM attachment "
                                  "WHERE {in:volume_id:?} AND attach_status = 'attached' ORDER BY created_at, id", {db::list_of(attached)});
  for (std::size_t row = 0; row < found.size(); ++row)
    by_id.at(found.at(row, 0).view())->attachments.push_back({found.at(row, 1).text(), found.at(row, 2).text(), found.at(row, 3).text(), found.at(row, 4).text(),
                                                              found.at(row, 5).time(), found.at(row, 6).time()});
  return out;
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
