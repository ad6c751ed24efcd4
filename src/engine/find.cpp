#include "engine/find.h"

namespace scoria::engine {

std::optional<Operation> newest_of(db::Transaction& tx, std::string_view resource_id, std::string_view kind) {
  const db::Rows rows = tx.query(fmt::format("SELECT {} FROM operation WHERE resource_id = ? AND kind = ? ORDER BY seq DESC LIMIT 1", operation_columns),
                                 {resource_id, kind});
  if (rows.empty()) return std::nullopt;
  return read_operation(rows, 0);
}

}  // namespace scoria::engine
