#include "store/findings/findings.h"

namespace scoria::store::findings {

bool record(db::Transaction& tx, const std::string& place, std::string_view kind, const std::string& subject, const std::string& text) {
  const std::int64_t made = tx.change("INSERT INTO finding (place, kind, subject, text, found_at, seen_at) VALUES (?, ?, ?, ?, scoria_now(), scoria_now()) "
                                      "ON CONFLICT (place, kind, subject) DO NOTHING",
                                      {place, kind, subject, text});
  if (made == 0) tx.run("UPDATE finding SET text = ?, seen_at = scoria_now() WHERE place = ? AND kind = ? AND subject = ?", {text, place, kind, subject});
  return made == 1;
}

void forget(db::Transaction& tx, const std::string& place, std::string_view kinds, const std::string& after, const std::string& last, Timestamp before) {
  tx.run("DELETE FROM finding WHERE place = ? AND kind LIKE ? AND subject > ? AND (? = '' OR subject <= ?) AND seen_at < ?",
         {place, std::string(kinds) + "%", after, last, last, before});
}

bool older(db::Transaction& tx, const std::string& place, std::string_view kind, const std::string& subject, Duration age) {
  return !tx.query("SELECT 1 FROM finding WHERE place = ? AND kind = ? AND subject = ? AND found_at <= scoria_now() - ?", {place, kind, subject, age.count()}).empty();
}

std::vector<Finding> list(db::Transaction& tx, std::size_t limit) {
  const db::Rows rows = tx.query("SELECT place, kind, subject, text, found_at, seen_at FROM finding ORDER BY found_at, place, kind, subject LIMIT ?",
                                 {static_cast<std::int64_t>(limit)});
  std::vector<Finding> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    out[i] = {rows.at(i, 0).text(), rows.at(i, 1).text(), rows.at(i, 2).text(), rows.at(i, 3).text(), rows.at(i, 4).time(), rows.at(i, 5).time()};
  return out;
}

std::vector<Count> counts(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT kind, count(*) FROM finding GROUP BY kind ORDER BY kind");
  std::vector<Count> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) out[i] = {rows.at(i, 0).text(), rows.at(i, 1).integer()};
  return out;
}

}  // namespace scoria::store::findings
