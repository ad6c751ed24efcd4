#include "store/backends/names.h"

namespace scoria::store::backends {
namespace {

Backend read(const db::Rows& rows, std::size_t row) { return {rows.at(row, 0).text(), rows.at(row, 1).text()}; }

std::string member(const std::string& name) { return "\"backend\":\"" + name + "\""; }
std::string refused(const std::string& name) { return "\"" + name + "#"; }

/// Operations that are under way lose their owner and go on under the new name.
std::int64_t move_operations(db::Transaction& tx, const std::string& old_name, const std::string& new_name) {
  tx.run("UPDATE operation SET state = 'ready', owner = NULL, epoch = epoch + 1, run_at = scoria_now(), updated_at = scoria_now() WHERE backend = ? AND state = 'running'",
         {old_name});
  const std::int64_t moved = tx.change(
      "UPDATE operation SET queue = CASE WHEN queue = ? THEN ? WHEN queue = ? THEN ? ELSE queue END, ctx = REPLACE(ctx, ?, ?), backend = ? WHERE backend = ?",
      {old_name, new_name, old_name + "!bulk", new_name + "!bulk", member(old_name), member(new_name), new_name, old_name});
  // Pools that a placement shall not try again.
  tx.run("UPDATE operation SET ctx = REPLACE(ctx, ?, ?) WHERE state IN ('ready', 'running', 'waiting') AND {contains:ctx:?}",
         {refused(old_name), refused(new_name), refused(old_name)});
  return moved;
}

void move_turns(db::Transaction& tx, const std::string& old_name, const std::string& new_name) {
  for (const std::string kind : {"inventory:", "flatten:"}) {
    tx.run("DELETE FROM chore WHERE name = ?", {kind + new_name});
    tx.run("UPDATE chore SET name = ?, due_at = 0, progress = '' WHERE name = ?", {kind + new_name, kind + old_name});
  }
}

void record_alias(db::Transaction& tx, const std::string& old_name, const std::string& new_name) {
  tx.run("DELETE FROM backend_alias WHERE name = ? OR name = ?", {new_name, old_name});
  tx.run("UPDATE backend_alias SET now = ? WHERE now = ?", {new_name, old_name});
  tx.run("INSERT INTO backend_alias (name, now) VALUES (?, ?)", {old_name, new_name});
}

}  // namespace

std::optional<Backend> find(db::Transaction& tx, const std::string& name) {
  const db::Rows rows = tx.query("SELECT name, cluster FROM backend WHERE name = ?", {name});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

std::vector<Backend> all(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT name, cluster FROM backend ORDER BY name");
  std::vector<Backend> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(read(rows, i));
  return out;
}

void share_names(db::Transaction& tx) { tx.run("SELECT name FROM turn WHERE name = 'backend_names'{for_share}"); }
void lock_names(db::Transaction& tx) { tx.run("SELECT name FROM turn WHERE name = 'backend_names'{for_update}"); }

std::optional<Backend> renamed(db::Transaction& tx, const std::string& old_name) {
  const db::Rows rows = tx.query("SELECT b.name, b.cluster FROM backend_alias a JOIN backend b ON b.name = a.now WHERE a.name = ?", {old_name});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

std::vector<std::pair<std::string, Backend>> old_names(db::Transaction& tx) {
  const db::Rows rows = tx.query("SELECT b.name, b.cluster, a.name FROM backend_alias a JOIN backend b ON b.name = a.now ORDER BY a.name");
  std::vector<std::pair<std::string, Backend>> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.emplace_back(rows.at(i, 2).text(), read(rows, i));
  return out;
}

Moved rename(db::Transaction& tx, const std::string& old_name, const std::string& new_name, bool cluster) {
  Moved moved;
  // Claims and placements under way are waited for here; later ones find no backend of the old name.
  tx.guard("backend", "UPDATE backend SET name = ?, cluster = ?, gen = gen + 1, updated_at = scoria_now() WHERE name = ?",
           {new_name, cluster ? db::Value{new_name} : db::Value{}, old_name});
  moved.operations = move_operations(tx, old_name, new_name);
  moved.volumes = tx.change("UPDATE volume SET backend = ?, rev = rev + 1 WHERE backend = ?", {new_name, old_name});
  moved.snapshots = tx.change("UPDATE snapshot SET backend = ?, rev = rev + 1 WHERE backend = ?", {new_name, old_name});
  // Requests that had a volume before this did have started theirs meanwhile.
  moved.operations += move_operations(tx, old_name, new_name);
  moved.objects = tx.change("UPDATE backend_object SET backend = ? WHERE backend = ?", {new_name, old_name});
  tx.run("UPDATE pool SET backend = ? WHERE backend = ?", {new_name, old_name});
  tx.run("UPDATE service SET cluster = ? WHERE binary_name = 'cinder-volume' AND (cluster = ? OR host = ?)",
         {cluster ? db::Value{new_name} : db::Value{}, old_name, old_name});
  tx.run("DELETE FROM finding WHERE place = ?", {old_name});
  move_turns(tx, old_name, new_name);
  record_alias(tx, old_name, new_name);
  return moved;
}

bool is_empty(db::Transaction& tx, const std::string& name) {
  return tx.query("SELECT 1 FROM volume WHERE backend = ? UNION ALL SELECT 1 FROM snapshot WHERE backend = ? "
                  "UNION ALL SELECT 1 FROM backend_object WHERE backend = ? AND state NOT IN ('gone', 'released') "
                  "UNION ALL SELECT 1 FROM operation WHERE backend = ? AND state IN ('ready', 'running', 'waiting') LIMIT 1",
                  {name, name, name, name}).empty();
}

void remove(db::Transaction& tx, const std::string& name) {
  tx.run("DELETE FROM backend WHERE name = ?", {name});
  tx.run("DELETE FROM pool WHERE backend = ? AND volumes = 0", {name});
  tx.run("DELETE FROM backend_object WHERE backend = ? AND state IN ('gone', 'released')", {name});
  tx.run("DELETE FROM finding WHERE place = ?", {name});
  tx.run("DELETE FROM chore WHERE name IN (?, ?)", {"inventory:" + name, "flatten:" + name});
  tx.run("DELETE FROM backend_alias WHERE now = ?", {name});
}

void forget_services(db::Transaction& tx, const std::string& cluster, const std::string& but_host) {
  tx.run("DELETE FROM service WHERE binary_name = 'cinder-volume' AND cluster = ? AND host <> ?", {cluster, but_host});
}

std::vector<std::string> live_hosts(db::Transaction& tx, const std::string& name) {
  const db::Rows rows = tx.query("SELECT s.host FROM service s JOIN node n ON n.inc = s.inc WHERE s.binary_name = 'cinder-volume' AND COALESCE(s.cluster, s.host) = ? "
                                 "AND n.state IN ('up', 'draining') AND n.lease_until > scoria_now() ORDER BY s.host", {name});
  std::vector<std::string> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(rows.at(i, 0).text());
  return out;
}

void forget_old_names(db::Transaction& tx) {
  tx.run("DELETE FROM finding WHERE place IN (SELECT name FROM backend_alias)");
  for (const std::string kind : {"inventory:", "flatten:"}) tx.run("DELETE FROM chore WHERE name IN (SELECT ? || name FROM backend_alias)", {kind});
}

}  // namespace scoria::store::backends
