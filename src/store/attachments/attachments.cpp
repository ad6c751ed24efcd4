#include "store/attachments/attachments.h"

#include <fmt/core.h>

#include "db/values.h"
#include "domain/claim_sql.h"
#include "store/volumes/volumes.h"

namespace scoria::store::attachments {

const std::string_view columns =
    "attachment.id, attachment.volume_id, attachment.project_id, attachment.user_id, attachment.instance_id, attachment.attached_host, "
    "attachment.mountpoint, attachment.attach_mode, attachment.attach_status, attachment.connector, attachment.connection, attachment.hidden, "
    "attachment.x_op, attachment.x_mode, attachment.rev, attachment.created_at, attachment.updated_at, attachment.attach_time, attachment.detach_time";

Attachment read(const db::Rows& rows, std::size_t row, std::size_t column) {
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

std::optional<Placed> find_placed(db::Transaction& tx, const AttachmentId& id) {
  static const std::string sql = fmt::format("SELECT volume.backend, volume.project_id, volume.attachments, {} FROM attachment "
                                             "JOIN volume ON volume.id = attachment.volume_id WHERE attachment.id = ?", columns);
  const db::Rows rows = tx.query(sql, {id.text});
  if (rows.empty()) return std::nullopt;
  return Placed{read(rows, 0, 3), rows.at(0, 0).text(), rows.at(0, 1).text(), rows.at(0, 2).integer()};
}

std::vector<Attachment> of_volume(db::Transaction& tx, const VolumeId& id) {
  auto all = of_volumes(tx, {id.text});
  return std::move(all[id.text]);
}

std::map<std::string, std::vector<Attachment>> of_volumes(db::Transaction& tx, const std::vector<std::string>& volume_ids) {
  std::map<std::string, std::vector<Attachment>> out;
  if (volume_ids.empty()) return out;
  static const std::string of_one = fmt::format("SELECT {} FROM attachment WHERE volume_id = ? ORDER BY created_at, id", columns);
  static const std::string of_many = fmt::format("SELECT {} FROM attachment WHERE {{in:volume_id:?}} ORDER BY created_at, id", columns);
  const db::Rows rows = volume_ids.size() == 1 ? tx.query(of_one, {volume_ids.front()}) : tx.query(of_many, {db::list_of(volume_ids)});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Attachment attachment = read(rows, i);
    out[attachment.volume_id.text].push_back(std::move(attachment));
  }
  return out;
}

std::vector<std::string> connected_of_backend(db::Transaction& tx, const std::string& backend) {
  // From the attachments, of which there are few: SQLite keeps the order of a CROSS JOIN.
  const db::Rows rows = tx.query("SELECT a.id FROM attachment a CROSS JOIN volume v WHERE v.id = a.volume_id AND v.backend = ? "
                                 "AND a.connection IS NOT NULL ORDER BY a.id", {backend});
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(rows.at(i, 0).text());
  return out;
}

void insert(db::Transaction& tx, const Attachment& a) {
  tx.run("INSERT INTO attachment (id, volume_id, project_id, user_id, instance_id, attached_host, mountpoint, attach_mode, attach_status, connector, "
         "connection, hidden, x_op, x_mode, created_at, attach_time) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, scoria_now(), "
         "CASE WHEN ? = 'attached' THEN scoria_now() ELSE NULL END)",
         {a.id.text, a.volume_id.text, a.project_id, a.user_id, db::or_null(a.instance_id), db::or_null(a.attached_host), db::or_null(a.mountpoint),
          db::or_null(a.attach_mode), a.attach_status, db::or_null(a.connector), db::or_null(a.connection), a.hidden, db::or_null(a.x_op),
          db::or_null(a.x_mode), a.attach_status});
}

void take(db::Transaction& tx, std::string_view label, const AttachmentId& id, std::string_view operation, std::string_view from, std::string_view to) {
  tx.guard(label, fmt::format("UPDATE attachment SET attach_status = '{}', updated_at = scoria_now(), " SCORIA_TAKE_CLAIM " WHERE id = ? AND " SCORIA_UNCLAIMED
                              " AND attach_status IN ({})", to, from),
           {operation, "X", id.text});
}

void queue_behind(db::Transaction& tx, std::string_view label, const AttachmentId& id, std::string_view holder, std::string_view operation) {
  tx.guard(label, "UPDATE attachment SET next_op = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND x_op = ? AND next_op IS NULL",
           {operation, id.text, holder});
}

void prepare(db::Transaction& tx, const AttachmentId& id, const std::string& connector, const std::string& host, const std::string& mode,
             const std::string& sealed_connection) {
  tx.run("UPDATE attachment SET connector = ?, attached_host = ?, attach_mode = coalesce(?, attach_mode), connection = ? WHERE id = ?",
         {connector, db::or_null(host), db::or_null(mode), sealed_connection, id.text});
}

void settle_connected(db::Transaction& tx, const AttachmentId& id, std::string_view operation, const std::string& sealed_connection) {
  tx.guard("attachment.connected", "UPDATE attachment SET connection = ?, updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK " WHERE id = ? AND x_op = ?",
           {sealed_connection, id.text, operation});
}

void settle(db::Transaction& tx, const AttachmentId& id, std::string_view operation, std::string_view to) {
  tx.guard("attachment.settle", "UPDATE attachment SET attach_status = ?, updated_at = scoria_now(), " SCORIA_GIVE_CLAIM_BACK " WHERE id = ? AND x_op = ?",
           {to, id.text, operation});
}

void complete(db::Transaction& tx, std::string_view label, const AttachmentId& id, const std::string& mountpoint) {
  tx.guard(label,
           "UPDATE attachment SET attach_status = 'attached', mountpoint = coalesce(?, mountpoint), attach_time = scoria_now(), updated_at = scoria_now(), "
           "rev = rev + 1 WHERE id = ? AND " SCORIA_UNCLAIMED " AND attach_status IN ('attaching', 'attached')",
           {db::or_null(mountpoint), id.text});
}

void remove(db::Transaction& tx, std::string_view label, const AttachmentId& id, std::string_view operation) {
  if (operation.empty())
    tx.guard(label, "DELETE FROM attachment WHERE id = ? AND " SCORIA_UNCLAIMED " AND connection IS NULL", {id.text});
  else
    tx.guard(label, "DELETE FROM attachment WHERE id = ? AND x_op = ?", {id.text, operation});
}

namespace {

// While an operation holds the volume its status is that operation's; it returns to what is noted here.
// What follows from one attachment, or none, is known before, and needs neither a lock beforehand nor a count.
#define SCORIA_FOLLOW_ONE \
  "UPDATE volume SET status = CASE WHEN x_op IS NULL THEN ? ELSE status END, previous_status = CASE WHEN x_op IS NULL THEN previous_status ELSE ? END, " \
  "attach_status = ?, attachments = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND "

constexpr std::string_view follow_sql =
    "UPDATE volume SET status = CASE WHEN x_op IS NULL THEN a.status ELSE volume.status END, "
    "previous_status = CASE WHEN x_op IS NULL THEN previous_status ELSE a.status END, attach_status = a.attach_status, attachments = a.n, "
    "rev = rev + 1, updated_at = scoria_now() FROM (SELECT count(*) AS n, "
    "CASE max(CASE WHEN hidden = 1 THEN 0 WHEN attach_status = 'attached' THEN 4 WHEN attach_status = 'attaching' THEN 3 WHEN attach_status = 'detaching' THEN 2 "
    "ELSE 1 END) WHEN 4 THEN 'in-use' WHEN 3 THEN 'attaching' WHEN 2 THEN 'detaching' WHEN 1 THEN 'reserved' ELSE 'available' END AS status, "
    "CASE max(CASE WHEN hidden = 0 AND attach_status = 'attached' THEN 1 ELSE 0 END) WHEN 1 THEN 'attached' ELSE 'detached' END AS attach_status "
    "FROM attachment WHERE volume_id = ?) a WHERE volume.id = ?";

/// What a volume's status follows from, if that attachment is all it has. Null: it has none.
struct Followed {
  explicit Followed(const Attachment* one) : attachments(one == nullptr ? 0 : 1) {
    if (one == nullptr || one->hidden) return;
    const std::string_view own = one->attach_status;
    status = own == "attached" ? "in-use" : own == "attaching" || own == "detaching" ? own : "reserved";
    if (own == "attached") attach_status = own;
  }
  db::Values values(const VolumeId& id, std::int64_t expected) const { return {status, status, attach_status, attachments, id.text, expected}; }

  std::string_view status = "available", attach_status = "detached";
  std::int64_t attachments;
};

}  // namespace

void follow_attachments(db::Transaction& tx, const VolumeId& id) {
  // Who waits for the row sees in the next statement what those did who held it.
  tx.run("SELECT 1 FROM volume WHERE id = ?{for_update}", {id.text});
  tx.run(follow_sql, {id.text, id.text});
}

void follow_attachments(db::Transaction& tx, std::string_view label, const VolumeId& id, std::int64_t rev) {
  static const std::string sql = fmt::format("{} AND rev = ?", follow_sql);
  tx.guard(label, sql, {id.text, id.text, rev});
}

void follow_first(db::Transaction& tx, std::string_view label, const Attachment& first, std::int64_t rev) {
  tx.guard(label, SCORIA_FOLLOW_ONE "rev = ?", Followed(&first).values(first.volume_id, rev));
}

void follow_only(db::Transaction& tx, std::string_view label, const Attachment& only) {
  tx.guard(label, SCORIA_FOLLOW_ONE "attachments = ?", Followed(&only).values(only.volume_id, 1));
}

void follow_last(db::Transaction& tx, std::string_view label, const VolumeId& id) {
  tx.guard(label, SCORIA_FOLLOW_ONE "attachments = ?", Followed(nullptr).values(id, 1));
}

}  // namespace scoria::store::attachments
