#include "store/chores/chores.h"

#include "base/failpoint.h"

namespace scoria::store::chores {
namespace {

struct Turn {
  std::int64_t number = 0;
  std::string progress;
};

std::optional<Turn> take(db::Database& database, std::string_view name, Duration lease) {
  const bool known = database.read_one([&](db::Transaction& tx) { return !tx.query("SELECT 1 FROM chore WHERE name = ? AND due_at > scoria_now()", {name}).empty(); });
  if (known) return std::nullopt;
  return database.write([&](db::Transaction& tx) -> std::optional<Turn> {
    tx.run("INSERT INTO chore (name, due_at) VALUES (?, 0) ON CONFLICT (name) DO NOTHING", {name});
    const db::Rows rows = tx.query("UPDATE chore SET due_at = scoria_now() + ?, turn = turn + 1 WHERE name = ? AND due_at <= scoria_now() RETURNING turn, progress",
                                   {lease.count(), name});
    if (rows.empty()) return std::nullopt;
    return Turn{rows.at(0, 0).integer(), rows.at(0, 1).text()};
  });
}

}  // namespace

bool run_turn(db::Database& database, std::string_view name, Duration lease, const std::function<Next(const std::string& progress)>& work) {
  const auto turn = take(database, name, lease);
  if (!turn) return false;
  FAILPOINT("store.chore.taken");
  const Next next = work(turn->progress);
  FAILPOINT("store.chore.done");
  database.write([&](db::Transaction& tx) {
    tx.run("UPDATE chore SET due_at = scoria_now() + ?, progress = ? WHERE name = ? AND turn = ?", {next.after.count(), next.progress, name, turn->number});
  });
  return true;
}

void hurry(db::Transaction& tx, std::string_view name) { tx.run("UPDATE chore SET due_at = 0 WHERE name = ?", {name}); }

}  // namespace scoria::store::chores
