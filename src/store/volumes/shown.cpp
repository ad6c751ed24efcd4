#include "store/volumes/shown.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "db/values.h"

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
constexpr std::int64_t bootable = 1, multiattach = 2, readonly = 4, consumes_quota = 8;
}
constexpr std::string_view selected =
    "volume.id, volume.project_id, volume.user_id, volume.name, volume.description, volume.status, volume.migration_status, "
    "volume.replication_status, volume.volume_type_id, volume.availability_zone, volume.backend, volume.pool, "
    "volume.provider_name, volume.snapshot_id, volume.source_volid, volume.group_id, volume.metadata, volume.image_metadata, "
    "volume.size_gib, volume.created_at, volume.updated_at, "
    "volume.bootable + 2 * volume.multiattach + 4 * volume.readonly + 8 * volume.consumes_quota";
constexpr std::string_view selected_attachment =
    "attachment.id, attachment.instance_id, attachment.attached_host, attachment.mountpoint, attachment.attach_time, attachment.created_at";
/// A revision, and whether anything is attached, or reserved, or about to be, in one number.
constexpr std::string_view selected_revision = "2 * volume.rev + CASE WHEN volume.attachments > 0 THEN 1 ELSE 0 END";
constexpr std::size_t shown_columns = 22;

Shown read_row(const db::Rows& rows, std::size_t row) {
  std::size_t column = 0;
  const auto text = [&]() -> std::string_view { return rows.at(row, column++).view(); };
  const auto time = [&] { return rows.at(row, column++).time(); };
  Shown v;
  v.id = text(), v.project_id = text(), v.user_id = text(), v.name = text(), v.description = text(), v.status = text(), v.migration_status = text();
  v.replication_status = text(), v.type = text(), v.zone = text(), v.backend = text(), v.pool = text();
  v.provider_name = text(), v.snapshot_id = text(), v.source_volid = text(), v.group_id = text(), v.metadata = text(), v.image_metadata = text();
  v.size_gib = rows.at(row, column++).integer(), v.created_at = time(), v.updated_at = time();
  const std::int64_t flags = rows.at(row, column++).integer();
  v.bootable = (flags & bit::bootable) != 0, v.multiattach = (flags & bit::multiattach) != 0, v.readonly = (flags & bit::readonly) != 0;
  v.consumes_quota = (flags & bit::consumes_quota) != 0;
  return v;
}

ShownAttachment read_attachment(const db::Rows& rows, std::size_t row, std::size_t column) {
  return {rows.at(row, column).text(), rows.at(row, column + 1).text(), rows.at(row, column + 2).text(), rows.at(row, column + 3).text(),
          rows.at(row, column + 4).time(), rows.at(row, column + 5).time()};
}

void order(std::vector<ShownAttachment>& attachments) {
  std::sort(attachments.begin(), attachments.end(), [](const auto& a, const auto& b) { return std::tie(a.created_at, a.id) < std::tie(b.created_at, b.id); });
}

constexpr ListTable table(std::string_view select) { return {"Volume", select, "volume", "", "volume.id", "volume.project_id", list_columns}; }
const std::string detail = fmt::format("{}, {}", selected, selected_revision), revisions = fmt::format("volume.id, {}", selected_revision);
const ListTable detail_table = table(detail), revisions_table = table(revisions);

bool attached(const Page::Volume& volume) { return volume.rev % 2 != 0; }

void read_all(Page& page) {
  page.read.reserve(page.rows.size());
  for (std::size_t row = 0; row < page.rows.size(); ++row) {
    page.read.push_back(read_row(page.rows, row));
    page.volumes.push_back({page.read.back().id, page.rows.at(row, shown_columns).integer(), row, {}});
  }
}

void read_revisions(db::Transaction& tx, Page& page, const Has& has) {
  std::map<std::string_view, std::size_t> wanted;  // where they stand in the page
  for (std::size_t row = 0; row < page.rows.size(); ++row) {
    const Page::Volume& volume = page.volumes.emplace_back(Page::Volume{page.rows.at(row, 0).view(), page.rows.at(row, 1).integer(), {}, {}});
    if (!has(row, volume.id, volume.rev)) wanted.emplace(volume.id, row);
  }
  if (wanted.empty()) return;
  static const std::string sql = fmt::format("SELECT {} FROM volume WHERE {{in:volume.id:?}}", detail);
  std::vector<std::string> ids;
  for (const auto& [id, row] : wanted) ids.emplace_back(id);
  page.others = tx.query(sql, {db::list_of(ids)});
  for (std::size_t row = 0; row < page.others.size(); ++row) {
    page.read.push_back(read_row(page.others, row));
    const auto place = wanted.find(page.read.back().id);
    page.volumes[place->second].rev = page.others.at(row, shown_columns).integer(), page.volumes[place->second].read = row;
    wanted.erase(place);
  }
  // Those that went between the two statements.
  std::erase_if(page.volumes, [&](const Page::Volume& volume) { return wanted.contains(volume.id); });
}

void read_attachments(db::Transaction& tx, Page& page) {
  std::map<std::string_view, Page::Volume*> by_id;
  for (Page::Volume& volume : page.volumes)
    if (attached(volume)) by_id.emplace(volume.id, &volume);
  if (by_id.empty()) return;
  std::vector<std::string> ids;
  for (const auto& [id, volume] : by_id) ids.emplace_back(id);
  static const std::string sql = fmt::format("SELECT attachment.volume_id, {} FROM attachment WHERE {{in:attachment.volume_id:?}} AND attachment.attach_status = 'attached'",
                                             selected_attachment);
  const db::Rows found = tx.query(sql, {db::list_of(ids)});
  for (std::size_t row = 0; row < found.size(); ++row) by_id.at(found.at(row, 0).view())->attachments.push_back(read_attachment(found, row, 1));
  for (const auto& [id, volume] : by_id) order(volume->attachments);
}

}  // namespace

const ListTable list_table = table("volume.id, volume.name");

db::Rows find_shown(db::Transaction& tx, const VolumeId& id) {
  static const std::string sql =
      fmt::format("SELECT {}, {} FROM volume LEFT JOIN attachment ON attachment.volume_id = volume.id AND attachment.attach_status = 'attached' WHERE volume.id = ?",
                  selected, selected_attachment);
  return tx.query(sql, {id.text});
}

Shown read_shown(const db::Rows& rows) {
  Shown out = read_row(rows, 0);
  if (rows.at(0, shown_columns).null()) return out;
  for (std::size_t row = 0; row < rows.size(); ++row) out.attachments.push_back(read_attachment(rows, row, shown_columns));
  order(out.attachments);
  return out;
}

Result<Page> read_page(db::Transaction& tx, const ListQuery& query, const Has& has) {
  auto listed = run_list(tx, has ? revisions_table : detail_table, query);
  if (!listed) return refuse(std::move(listed.error()));
  Page out;
  out.rows = std::move(listed->rows), out.count = listed->count;
  out.volumes.reserve(out.rows.size());
  if (has) read_revisions(tx, out, has);
  else read_all(out);
  read_attachments(tx, out);
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
