#include "store/messages/messages.h"

namespace scoria::store::messages {
namespace {

using enum ListColumn::Type;

constexpr std::string_view columns =
    "message.id, message.project_id, message.request_id, message.resource_type, message.resource_id, message.action_id, message.detail_id, "
    "message.message_level, message.text, message.created_at, message.expires_at";

constexpr ListColumn list_columns[] = {
    {"id", "message.id", text, false},
    {"resource_uuid", "message.resource_id", text, true},
    {"resource_type", "message.resource_type", text, true},
    {"event_id", "'VOLUME_' || message.resource_type || '_' || message.action_id || '_' || message.detail_id", text, true},
    {"request_id", "message.request_id", text, true},
    {"message_level", "message.message_level", text, false},
    {"created_at", "message.created_at", time, false},
    {"updated_at", "message.created_at", time, false},
    {"guaranteed_until", "message.expires_at", time, false},
};

}  // namespace

const ListTable list_table = {
    .noun = "Message", .select = columns, .from = "message", .where = "", .id = "message.id", .project = "message.project_id", .columns = list_columns};

Message read(const db::Rows& rows, std::size_t row) {
  Message m;
  m.id = rows.at(row, 0).text(), m.project_id = rows.at(row, 1).text(), m.request_id = rows.at(row, 2).text();
  m.resource_type = rows.at(row, 3).text(), m.resource_id = rows.at(row, 4).text();
  m.action_id = rows.at(row, 5).text(), m.detail_id = rows.at(row, 6).text();
  m.level = rows.at(row, 7).text(), m.text = rows.at(row, 8).text();
  m.created_at = rows.at(row, 9).time(), m.expires_at = rows.at(row, 10).time();
  return m;
}

void add(db::Transaction& tx, const Message& m) {
  tx.run("INSERT INTO message (id, project_id, request_id, resource_type, resource_id, action_id, detail_id, message_level, text, created_at, expires_at) "
         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, scoria_now(), scoria_now() + ?) ON CONFLICT (id) DO NOTHING",
         {m.id, m.project_id, db::or_null(m.request_id), m.resource_type, m.resource_id, m.action_id, m.detail_id, m.level, db::or_null(m.text),
          std::int64_t{message_lifetime.count()}});
}

std::optional<Message> find(db::Transaction& tx, std::string_view id) {
  static const std::string sql = "SELECT " + std::string(columns) + " FROM message WHERE id = ?";
  const db::Rows rows = tx.query(sql, {id});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

std::int64_t remove(db::Transaction& tx, std::string_view id) { return tx.change("DELETE FROM message WHERE id = ?", {id}); }

}  // namespace scoria::store::messages
