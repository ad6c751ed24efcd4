#include "store/objects/objects.h"

#include <fmt/core.h>

#include "base/mutants.h"
#include "db/values.h"

namespace scoria::store::objects {
namespace {

constexpr std::string_view columns = "o.backend, o.name, o.pool, o.owner_type, o.owner_id, o.base, o.op, o.epoch, o.state, o.size_bytes";
// A base outlives its children (storage rule R6).
constexpr std::string_view childless =
    "NOT EXISTS (SELECT 1 FROM backend_object c WHERE c.backend = o.backend AND c.base = o.name AND c.state NOT IN ('gone', 'released'))";

std::string_view free() { return MUTANT(base_removed) ? "1 = 1" : childless; }

std::vector<Object> read(const db::Rows& rows) {
  std::vector<Object> out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back({rows.at(i, 0).text(), rows.at(i, 1).text(), rows.at(i, 2).text(), rows.at(i, 3).text(), rows.at(i, 4).text(), rows.at(i, 5).text(),
                   rows.at(i, 6).text(), rows.at(i, 7).integer(), rows.at(i, 8).text(), rows.at(i, 9).integer()});
  return out;
}

// When a name is probed again after it went: late creates of paused processes (microseconds after `gone`).
constexpr std::string_view next_recheck =
    "CASE rechecks WHEN 0 THEN 10000000 WHEN 1 THEN 60000000 WHEN 2 THEN 600000000 WHEN 3 THEN 3600000000 END";

}  // namespace

std::string first_name(std::string_view type, std::string_view id) { return fmt::format("{}-{}", type, id); }

std::string next_name(db::Transaction& tx, std::string_view type, std::string_view id) {
  const std::int64_t used = tx.query("SELECT count(*) FROM backend_object WHERE owner_id = ? AND owner_type = ?", {id, type}).at(0, 0).integer();
  return used == 0 || MUTANT(name_reused) ? first_name(type, id) : fmt::format("{}-{}.r{}", type, id, used + 1);
}

void intend(db::Transaction& tx, const Object& o) {
  const std::string_view again = MUTANT(name_reused) ? " ON CONFLICT (backend, name) DO UPDATE SET state = 'intended', op = excluded.op" : "";
  tx.run("INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, base, op, epoch, state, size_bytes, created_at, changed_at) "
         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'intended', ?, scoria_now(), scoria_now())" + std::string(again),
         {o.backend, o.name, o.pool, o.owner_type, o.owner_id, db::or_null(o.base), o.operation, o.epoch, o.size_bytes});
}

void publish(db::Transaction& tx, const std::string& backend, const std::string& name) {
  tx.guard("object.publish", "UPDATE backend_object SET state = 'published', changed_at = scoria_now() WHERE backend = ? AND name = ? AND state = 'intended'",
           {backend, name});
}

void resize(db::Transaction& tx, const std::string& backend, const std::string& name, std::int64_t size_bytes) {
  tx.guard("object.resize", "UPDATE backend_object SET size_bytes = ?, changed_at = scoria_now() WHERE backend = ? AND name = ? AND state = 'published'",
           {size_bytes, backend, name});
}

void set_base(db::Transaction& tx, const std::string& backend, const std::string& name, const std::string& base) {
  tx.run("UPDATE backend_object SET base = ? WHERE backend = ? AND name = ? AND state <> 'gone'", {db::or_null(base), backend, name});
}

void doom(db::Transaction& tx, const std::string& backend, const std::string& name) {
  tx.run("UPDATE backend_object SET state = 'doomed', changed_at = scoria_now() WHERE backend = ? AND name = ? AND state IN ('intended', 'published')",
         {backend, name});
}

void doom_all_of(db::Transaction& tx, std::string_view owner_id) {
  tx.run("UPDATE backend_object SET state = 'doomed', changed_at = scoria_now() WHERE owner_id = ? AND state IN ('intended', 'published')", {owner_id});
}

void gone(db::Transaction& tx, const std::string& backend, const std::string& name) {
  tx.run("UPDATE backend_object SET state = 'gone', changed_at = scoria_now(), recheck_at = scoria_now() + 10000000 "
         "WHERE backend = ? AND name = ? AND state = 'doomed'",
         {backend, name});
}

bool is_published(db::Transaction& tx, const std::string& backend, const std::string& name) {
  return !tx.query("SELECT 1 FROM backend_object WHERE backend = ? AND name = ? AND state = 'published'", {backend, name}).empty();
}

std::vector<Object> of_owner(db::Transaction& tx, std::string_view owner_id) {
  return read(tx.query(fmt::format("SELECT {} FROM backend_object o WHERE o.owner_id = ? ORDER BY o.created_at, o.name", columns), {owner_id}));
}

std::vector<Object> published_volumes(db::Transaction& tx, const std::string& backend, const std::string& after, std::size_t limit) {
  return read(tx.query(fmt::format("SELECT {} FROM backend_object o WHERE o.backend = ? AND o.name > ? AND o.state = 'published' AND o.owner_type = 'volume' "
                                   "ORDER BY o.backend, o.name LIMIT ?", columns), {backend, after, static_cast<std::int64_t>(limit)}));
}

std::vector<Object> destroyable(db::Transaction& tx, const std::string& backend, std::size_t limit) {
  return read(tx.query(fmt::format("SELECT {} FROM backend_object o WHERE o.backend = ? AND o.state {} AND {} ORDER BY o.changed_at LIMIT ?", columns,
                                   MUTANT(reaper_blind) ? "IN ('doomed', 'published')" : "= 'doomed'", free()),
                       {backend, static_cast<std::int64_t>(limit)}));
}

std::vector<Object> destroyable_of(db::Transaction& tx, std::string_view owner_id) {
  return read(tx.query(fmt::format("SELECT {} FROM backend_object o WHERE o.owner_id = ? AND o.state = 'doomed' AND {} ORDER BY o.name", columns, free()),
                       {owner_id}));
}

std::vector<Object> children_of_doomed(db::Transaction& tx, const std::string& backend, std::size_t limit) {
  return read(tx.query(fmt::format("SELECT {} FROM backend_object b JOIN backend_object o ON o.backend = b.backend AND o.base = b.name "
                                   "WHERE b.backend = ? AND b.state = 'doomed' AND o.state IN ('intended', 'published') ORDER BY b.changed_at LIMIT ?",
                                   columns),
                       {backend, static_cast<std::int64_t>(limit)}));
}

std::vector<Object> to_recheck(db::Transaction& tx, const std::string& backend, std::size_t limit) {
  return read(tx.query(fmt::format("SELECT {} FROM backend_object o WHERE o.backend = ? AND o.state = 'gone' AND o.recheck_at <= scoria_now() "
                                   "ORDER BY o.recheck_at LIMIT ?",
                                   columns),
                       {backend, static_cast<std::int64_t>(limit)}));
}

void rechecked(db::Transaction& tx, const std::string& backend, const std::string& name, bool present) {
  if (present) {
    tx.run("UPDATE backend_object SET state = 'doomed', changed_at = scoria_now(), recheck_at = NULL WHERE backend = ? AND name = ? AND state = 'gone'",
           {backend, name});
    return;
  }
  tx.run(fmt::format("UPDATE backend_object SET rechecks = rechecks + 1, recheck_at = scoria_now() + {} "
                     "WHERE backend = ? AND name = ? AND state = 'gone'",
                     next_recheck),
         {backend, name});
}

std::vector<Listed> of_pool(db::Transaction& tx, const std::string& backend, const std::string& pool, const std::string& after, const std::string& last,
                            const std::vector<std::string>& names, Duration settled) {
  const std::string select = fmt::format(
      "SELECT {}, CASE WHEN COALESCE(v.x_op, s.x_op) IS NULL THEN 0 ELSE 1 END, COALESCE(v.rev, s.rev, -1), "
      "CASE WHEN o.changed_at <= scoria_now() - ? THEN 1 ELSE 0 END FROM backend_object o "
      "LEFT JOIN volume v ON o.owner_type = 'volume' AND v.id = o.owner_id AND v.provider_name = o.name "
      "LEFT JOIN snapshot s ON o.owner_type = 'snapshot' AND s.id = o.owner_id AND s.provider_name = o.name WHERE o.backend = ? AND ",
      columns);
  const db::Rows rows = tx.query(select + "((o.pool = ? AND o.name > ? AND (? = '' OR o.name <= ?) AND o.state <> 'gone') OR {in:o.name:?}) ORDER BY o.name",
                                 {settled.count(), backend, pool, after, last, last, db::list_of(names)});
  std::vector<Listed> out;
  std::vector<Object> objects = read(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back({std::move(objects[i]), rows.at(i, 10).flag(), rows.at(i, 11).integer(), rows.at(i, 12).flag()});
  return out;
}

bool adopt_dead(db::Transaction& tx, const Object& o) {
  // Ids never return, so what holds here holds for ever.
  return tx.change("INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, base, op, epoch, state, size_bytes, created_at, changed_at) "
                   "SELECT ?, ?, ?, ?, ?, ?, p.id, 0, 'doomed', CAST(? AS BIGINT), scoria_now(), scoria_now() FROM operation p "
                   "WHERE p.resource_id = ? AND p.finished_at IS NOT NULL "
                   "AND NOT EXISTS (SELECT 1 FROM operation l WHERE l.resource_id = p.resource_id AND l.finished_at IS NULL) "
                   "AND NOT EXISTS (SELECT 1 FROM volume v WHERE v.id = p.resource_id) AND NOT EXISTS (SELECT 1 FROM snapshot s WHERE s.id = p.resource_id) "
                   "ORDER BY p.seq DESC LIMIT 1 ON CONFLICT (backend, name) DO NOTHING",
                   {o.backend, o.name, o.pool, o.owner_type, o.owner_id, db::or_null(o.base), o.size_bytes, o.owner_id}) == 1;
}

}  // namespace scoria::store::objects
