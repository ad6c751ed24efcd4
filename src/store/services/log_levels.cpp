#include "store/services/log_levels.h"

namespace scoria::store::log_levels {

void set(db::Transaction& tx, const std::string& host, const std::string& prefix, const std::string& level) {
  tx.run("INSERT INTO log_setting (host, prefix, level, created_at) VALUES (?, ?, ?, scoria_now())", {host, prefix, level});
}

std::vector<Setting> since(db::Transaction& tx, std::int64_t seq) {
  const db::Rows rows = tx.query("SELECT seq, host, prefix, level FROM log_setting WHERE seq > ? ORDER BY seq", {seq});
  std::vector<Setting> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = {rows.at(i, 0).integer(), rows.at(i, 1).text(), rows.at(i, 2).text(), rows.at(i, 3).text()};
  return out;
}

std::int64_t newest(db::Transaction& tx) { return tx.query("SELECT COALESCE(MAX(seq), 0) FROM log_setting").at(0, 0).integer(); }

void publish(db::Transaction& tx, std::int64_t incarnation, const std::string& levels) {
  tx.run("UPDATE service SET log_levels = ? WHERE inc = ? AND log_levels <> ?", {levels, incarnation, levels});
}

std::vector<Published> published(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT host, binary_name, log_levels FROM service ORDER BY binary_name, host");
  std::vector<Published> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = {rows.at(i, 0).text(), rows.at(i, 1).text(), rows.at(i, 2).text()};
  return out;
}

}  // namespace scoria::store::log_levels
