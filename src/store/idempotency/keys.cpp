#include "store/idempotency/keys.h"

namespace scoria::store::idempotency {

std::optional<Made> find(db::Transaction& tx, const Key& key) {
  const db::Rows rows = tx.query("SELECT request_hash, op, resource_id FROM idempotency WHERE project_id = ? AND user_id = ? AND key = ? AND expires_at > scoria_now()",
                                 {key.project_id, key.user_id, key.key});
  if (rows.empty()) return std::nullopt;
  return Made{rows.at(0, 0).text(), rows.at(0, 1).text(), rows.at(0, 2).text()};
}

void insert(db::Transaction& tx, const Key& key, const Made& made) {
  tx.run("DELETE FROM idempotency WHERE project_id = ? AND user_id = ? AND key = ? AND expires_at <= scoria_now()", {key.project_id, key.user_id, key.key});
  tx.run("INSERT INTO idempotency (project_id, user_id, key, request_hash, op, resource_id, expires_at) VALUES (?, ?, ?, ?, ?, ?, scoria_now() + ?)",
         {key.project_id, key.user_id, key.key, made.request_hash, made.operation, made.resource_id, std::int64_t{window.count()}});
}

}  // namespace scoria::store::idempotency
