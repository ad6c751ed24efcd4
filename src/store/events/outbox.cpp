#include "store/events/outbox.h"

namespace scoria::store::outbox {
void add(db::Transaction& tx, std::string_view id, std::string_view topic, std::string_view operation, std::string_view body) {
  tx.run("INSERT INTO outbox (id, topic, op, body, created_at) VALUES (?, ?, ?, ?, scoria_now())", {id, topic, db::or_null(operation), body});
}
}  // namespace scoria::store::outbox
