#include "store/attachments/exported.h"

#include <fmt/core.h>

#include <algorithm>

#include "store/attachments/attachments.h"
#include "store/qos/qos.h"
#include "store/volumes/volumes.h"

namespace scoria::store::attachments {
namespace {

std::size_t count_of(std::string_view list) { return static_cast<std::size_t>(std::count(list.begin(), list.end(), ',')) + 1; }

}  // namespace

std::optional<Exported> find_exported(db::Transaction& tx, const AttachmentId& id) {
  static const std::string sql = fmt::format(
      "SELECT {}, {}, {} FROM attachment JOIN volume ON volume.id = attachment.volume_id JOIN volume_type ON volume_type.id = volume.volume_type_id "
      "LEFT JOIN qos_specs ON qos_specs.id = volume_type.qos_specs_id WHERE attachment.id = ?",
      columns, volumes::columns, qos::columns);
  static const std::size_t volume_at = count_of(columns), qos_at = volume_at + count_of(volumes::columns);
  const db::Rows rows = tx.query(sql, {id.text});
  if (rows.empty()) return std::nullopt;
  Exported out{read(rows, 0), volumes::read(rows, 0, volume_at), {}};
  if (!rows.at(0, qos_at).null()) out.qos = qos::read(rows, 0, qos_at);
  return out;
}

}  // namespace scoria::store::attachments
