#include "engine/operations.h"

#include <fmt/core.h>

namespace scoria::engine {

std::optional<Operation> find_operation(db::Transaction& tx, const std::string& id) {
  static const std::string sql = fmt::format("SELECT {} FROM operation WHERE id = ?", operation_columns);
  const db::Rows rows = tx.query(sql, {id});
  if (rows.empty()) return std::nullopt;
  Operation operation = read_operation(rows, 0);
  const db::Rows held = tx.query("SELECT rtype, rid, mode FROM op_res WHERE op = ? ORDER BY rtype, rid", {id});
  for (std::size_t i = 0; i < held.size(); ++i)
    operation.claims.push_back({held.at(i, 0).text(), held.at(i, 1).text(), static_cast<Mode>(held.at(i, 2).text().at(0))});
  return operation;
}

std::optional<Claim> own_claim(db::Transaction& tx, const Operation& operation) {
  const std::string& table = operation.resource_type;
  if (is_end(operation.state) || (table != "volume" && table != "snapshot" && table != "attachment")) return std::nullopt;
  const db::Rows rows = tx.query(fmt::format("SELECT x_mode FROM {} WHERE id = ? AND x_op = ?", table), {operation.resource_id, operation.id});
  if (rows.empty()) return std::nullopt;
  return Claim{table, operation.resource_id, static_cast<Mode>(rows.at(0, 0).text().at(0))};
}

std::vector<Backlog> backlog(db::Transaction& tx) {
  // One statement for each state, as each has an index of its own.
  const db::Rows rows = tx.query(
      "SELECT queue, 'running', '', count(*) FROM operation WHERE state = 'running' GROUP BY queue UNION ALL "
      "SELECT queue, 'ready', why, count(*) FROM (SELECT queue, CASE WHEN attempt > 0 THEN 'retry' WHEN run_at > scoria_now() THEN 'later' ELSE 'due' END AS why "
      "FROM operation WHERE state = 'ready') r GROUP BY queue, why UNION ALL "
      "SELECT queue, 'waiting', why, count(*) FROM (SELECT queue, CASE WHEN waits_on LIKE 'op:%' THEN 'operation' WHEN waits_on LIKE 'readers:%' THEN 'readers' "
      "ELSE 'children' END AS why FROM operation WHERE state = 'waiting') w GROUP BY queue, why");
  std::vector<Backlog> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = {rows.at(i, 0).text(), rows.at(i, 1).text(), rows.at(i, 2).text(), rows.at(i, 3).integer()};
  return out;
}

std::optional<Ending> find_ending(db::Transaction& tx, const std::string& id) {
  const db::Rows rows = tx.query("SELECT state, err_code, err_text FROM operation WHERE id = ?", {id});
  if (rows.empty()) return std::nullopt;
  return Ending{state_from(rows.at(0, 0).text()), rows.at(0, 1).text(), rows.at(0, 2).text()};
}

std::vector<Operation> list_operations(db::Transaction& tx, const OperationFilter& filter) {
  std::string conditions = "1 = 1";
  db::Values values;
  const auto add = [&](const char* column, const std::string& value) {
    if (value.empty()) return;
    conditions += fmt::format(" AND {} = ?", column);
    values.emplace_back(value);
  };
  add("project_id", filter.project_id);
  add("resource_id", filter.resource_id);
  add("request_id", filter.request_id);
  add("kind", filter.kind);
  add("parent", filter.parent);
  if (!filter.states.empty()) {
    // Each state stands in the text: the indexes of unfinished operations are partial ones.
    std::string states;
    for (const State state : filter.states) states += fmt::format("{}state = '{}'", states.empty() ? "" : " OR ", to_text(state));
    conditions += fmt::format(" AND ({})", states);
  }
  if (filter.before_seq > 0) {
    conditions += " AND seq < ?";
    values.emplace_back(filter.before_seq);
  }
  values.emplace_back(static_cast<std::int64_t>(filter.limit));
  const db::Rows rows = tx.query(fmt::format("SELECT {} FROM operation WHERE {} ORDER BY seq DESC LIMIT ?", operation_columns, conditions), values);
  std::vector<Operation> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(read_operation(rows, i));
  return out;
}

}  // namespace scoria::engine
