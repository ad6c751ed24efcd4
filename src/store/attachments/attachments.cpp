#include "store/attachments/attachments.h"

#include <fmt/core.h>

namespace scoria::store::attachments {

const std::string_view columns =
    "attachment.id, attachment.volume_id, attachment.project_id, attachment.user_id, attachment.instance_id, attachment.attached_host, "
    "attachment.mountpoint, attachment.attach_mode, attachment.attach_status, attachment.connector, attachment.connection, attachment.hidden, "
    "attachment.x_op, attachment.x_mode, attachment.rev, attachment.created_at, attachment.updated_at, attachment.attach_time, attachment.detach_time";

Attachment read(const db::Rows& rows, std::size_t row) {
  std::size_t column = 0;
  const auto text = [&] { return rows.at(row, column++).text(); };
  const auto number = [&] { return rows.at(row, column++).integer(); };
  const auto time = [&] { return rows.at(row, column++).time(); };
  Attachment a;
  a.id = {text()}, a.volume_id = {text()}, a.project_id = text(), a.user_id = text(), a.instance_id = text(), a.attached_host = text();
  a.mountpoint = text(), a.attach_mode = text(), a.attach_status = text(), a.connector = text(), a.connection = text(), a.hidden = number() != 0;
  a.x_op = text(), a.x_mode = text(), a.rev = number();
  a.created_at = time(), a.updated_at = time(), a.attach_time = time(), a.detach_time = time();
  return a;
}

std::optional<Attachment> find(db::Transaction& tx, const AttachmentId& id) {
  static const std::string sql = fmt::format("SELECT {} FROM attachment WHERE id = ?", columns);
  const db::Rows rows = tx.query(sql, {id.text});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

std::vector<Attachment> of_volume(db::Transaction& tx, const VolumeId& id) {
  auto all = of_volumes(tx, {id.text});
  return std::move(all[id.text]);
}

std::map<std::string, std::vector<Attachment>> of_volumes(db::Transaction& tx, const std::vector<std::string>& volume_ids) {
  std::map<std::string, std::vector<Attachment>> out;
  if (volume_ids.empty()) return out;
  std::string marks = "?";
  for (std::size_t i = 1; i < volume_ids.size(); ++i) marks += ", ?";
  const db::Rows rows = tx.query(fmt::format("SELECT {} FROM attachment WHERE volume_id IN ({}) ORDER BY created_at, id", columns, marks),
                                 db::Values(volume_ids.begin(), volume_ids.end()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Attachment attachment = read(rows, i);
    out[attachment.volume_id.text].push_back(std::move(attachment));
  }
  return out;
}

}  // namespace scoria::store::attachments
