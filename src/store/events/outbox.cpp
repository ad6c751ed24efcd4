#include "store/events/outbox.h"

#include "db/values.h"

namespace scoria::store::outbox {

void add(db::Transaction& tx, std::string_view id, std::string_view topic, std::string_view operation, std::string_view body) {
  tx.run("INSERT INTO outbox (id, topic, op, body, created_at) VALUES (?, ?, ?, ?, scoria_now())", {id, topic, db::or_null(operation), body});
}

std::vector<Event> oldest(db::Transaction& tx, std::size_t limit) {
  const db::Rows rows = tx.query("SELECT seq, id, topic, op, body, created_at FROM outbox ORDER BY seq LIMIT ?", {static_cast<std::int64_t>(limit)});
  std::vector<Event> out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    out[i] = {rows.at(i, 0).integer(), rows.at(i, 1).text(), rows.at(i, 2).text(), rows.at(i, 3).text(), rows.at(i, 4).text(), rows.at(i, 5).time()};
  return out;
}

void remove(db::Transaction& tx, const std::vector<Event>& delivered) {
  std::vector<std::int64_t> seqs;
  for (const Event& event : delivered) seqs.push_back(event.seq);
  if (seqs.empty()) return;
  // The bounds are for MariaDB, which looks at every row otherwise.
  const auto [first, last] = std::minmax_element(seqs.begin(), seqs.end());
  tx.run("DELETE FROM outbox WHERE seq BETWEEN ? AND ? AND {in_numbers:seq:?}", {*first, *last, db::list_of(seqs)});
}

Backlog backlog(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT count(*), COALESCE(scoria_now() - (SELECT created_at FROM outbox ORDER BY seq LIMIT 1), 0) "
                                 "FROM (SELECT 1 FROM outbox LIMIT 100000) counted");
  return {rows.at(0, 0).integer(), Duration{rows.at(0, 1).integer()}};
}

}  // namespace scoria::store::outbox
