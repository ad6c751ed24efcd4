#include "db/migrate.h"

#include <fmt/core.h>

#include <set>

#include "base/check.h"
#include "db/engines/mariadb/steps.h"
#include "db/migration_text.h"

namespace scoria::db {
namespace {

constexpr std::string_view create_table =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,"
    " applied_at BIGINT NOT NULL)";
constexpr std::string_view create_fills =
    "CREATE TABLE IF NOT EXISTS schema_fills (version BIGINT NOT NULL, part BIGINT NOT NULL, after_key TEXT NOT NULL DEFAULT '',"
    " rows_done BIGINT NOT NULL DEFAULT 0, finished_at BIGINT, PRIMARY KEY (version, part))";

/// FNV-1a over the text: tells an edit, not an attack.
std::string checksum(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  return fmt::format("{:016x}", hash);
}

bool table_exists(Transaction& tx, Engine engine) {
  switch (engine) {
    case Engine::postgres: return !tx.query("SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_migrations'").empty();
    case Engine::mariadb: return !tx.query("SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = 'schema_migrations'").empty();
    case Engine::sqlite: return !tx.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'").empty();
  }
  return false;
}

/// The versions of the applied steps, after a look at every one.
std::set<int> verify(Transaction& tx, std::span<const Migration> migrations, Newer newer) {
  const Rows applied = tx.query("SELECT version, name, checksum FROM schema_migrations ORDER BY version");
  std::set<int> out;
  for (std::size_t row = 0; row < applied.size(); ++row) {
    const auto version = static_cast<std::size_t>(applied.at(row, 0).integer());
    out.insert(static_cast<int>(version));
    if (version > migrations.size() && newer == Newer::tolerate) continue;
    if (version < 1 || version > migrations.size())
      throw Error(fmt::format("the database has schema version {}, which this program does not know", version));
    if (applied.at(row, 2).text() != checksum(migrations[version - 1].sql))
      throw Error(fmt::format("migration {} ({}) is not the one that was applied to the database", version, applied.at(row, 1).text()));
  }
  return out;
}

/// Gives text columns that would sort as some language does the order of bytes, as SQLite has it: paging by key relies
/// on one order everywhere. Cheap: the database stores the same, only indexes on the column are built again.
void sort_by_bytes(Transaction& tx) {
  const Rows columns = tx.query(
      "SELECT format('ALTER TABLE %I %s', t.relname, string_agg(format('ALTER COLUMN %I TYPE text COLLATE \"C\"', c.attname), ', '))"
      " FROM pg_attribute c JOIN pg_class t ON t.oid = c.attrelid JOIN pg_collation o ON o.oid = c.attcollation"
      " WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind = 'r' AND c.attnum > 0 AND NOT c.attisdropped"
      " AND c.atttypid = 'text'::regtype AND o.collname NOT IN ('C', 'POSIX')"
      " AND NOT (o.collname = 'default' AND (SELECT d.datcollate IN ('C', 'POSIX') AND d.datlocprovider = 'c' FROM pg_database d"
      " WHERE d.datname = current_database()))"
      " GROUP BY t.relname");
  for (std::size_t row = 0; row < columns.size(); ++row) tx.run(columns.at(row, 0).text());
}

/// Alone among all processes; and whoever uses the tables waits no longer than a second for us to get them.
void begin_change(Database& database, Transaction& tx) {
  if (database.engine() == Engine::postgres) {
    tx.query("SELECT pg_advisory_xact_lock(5719, hashtext(current_schema()))");
    tx.run("SET LOCAL lock_timeout = '1s'");
  }
  if (database.engine() == Engine::mariadb) mariadb::lock_schema(tx);
  tx.run(create_table);
  tx.run(create_fills);
}

void apply(Database& database, Transaction& tx, const Migration& step, bool empty) {
  const std::vector<std::string> statements = statements_of(step, database.engine());
  if (database.engine() == Engine::mariadb) {
    mariadb::run_step(tx, step.version, statements);
  } else {
    for (const std::string& statement : statements) tx.run(statement);
  }
  tx.run("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, scoria_now())", {step.version, step.name, checksum(step.sql)});
  const auto parts = static_cast<int>(batches_of(step).size());
  for (int part = 0; part < parts; ++part) tx.run("INSERT INTO schema_fills (version, part) VALUES (?, ?)", {step.version, part});
  // In a database that begins there is nothing to fill, and after a contract nothing to fill from.
  if (empty) tx.run("UPDATE schema_fills SET finished_at = scoria_now() WHERE finished_at IS NULL AND version <= ?", {step.version});
}

/// The next step, or all of them where nobody else has the database yet. Returns how many. `empty`: the database begins with this call.
int advance(Database& database, std::span<const Migration> migrations, Newer newer, bool& empty) {
  int steps = 0;
  database.run_schema_change([&](Transaction& tx) {
    steps = 0;
    begin_change(database, tx);
    const std::set<int> applied = verify(tx, migrations, newer);
    empty = empty || applied.empty();
    const bool together = empty && database.engine() != Engine::mariadb;
    for (const Migration& step : migrations) {
      if (applied.contains(step.version) || (is_contract(step) && !empty)) continue;
      apply(database, tx, step, empty);
      ++steps;
      if (!together) break;
    }
    if (steps > 0 && database.engine() == Engine::postgres) sort_by_bytes(tx);
    return true;
  });
  return steps;
}

bool fill_is_open(Transaction& tx, int before) {
  return !tx.query("SELECT 1 FROM schema_fills WHERE finished_at IS NULL AND version < ? LIMIT 1", {before}).empty();
}

void check_numbers(std::span<const Migration> migrations) {
  for (std::size_t at = 0; at < migrations.size(); ++at)
    SCORIA_CHECK(migrations[at].version == static_cast<int>(at) + 1, "migrations are numbered from 1 without gaps");
}

}  // namespace

int schema_version(Database& database) {
  return database.read([&](Transaction& tx) {
    if (!table_exists(tx, database.engine())) return 0;
    return static_cast<int>(tx.query("SELECT coalesce(max(version), 0) FROM schema_migrations").at(0, 0).integer());
  });
}

int newest_expansion(std::span<const Migration> migrations) {
  int newest = 0;
  for (const Migration& step : migrations)
    if (!is_contract(step)) newest = step.version;
  return newest;
}

int migrate(Database& database, std::span<const Migration> migrations, Newer newer) {
  check_numbers(migrations);
  int steps = 0;
  bool empty = false;
  while (const int more = advance(database, migrations, newer, empty)) steps += more;
  return steps;
}

int contract(Database& database, std::span<const Migration> migrations, int finalised) {
  check_numbers(migrations);
  int steps = 0;
  for (const Migration& step : migrations) {
    if (!is_contract(step) || step.version > finalised) continue;
    bool applied = false;
    database.run_schema_change([&](Transaction& tx) {
      begin_change(database, tx);
      applied = !verify(tx, migrations, Newer::tolerate).contains(step.version) && !fill_is_open(tx, step.version);
      if (applied) apply(database, tx, step, false);
      return true;
    });
    if (applied) ++steps;
  }
  return steps;
}

std::vector<Fill> fills(Database& database, std::span<const Migration> migrations) {
  const Rows rows = database.read_one(
      [](Transaction& tx) { return tx.query("SELECT version, part, rows_done, finished_at FROM schema_fills ORDER BY version, part"); });
  std::vector<Fill> out;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto version = static_cast<std::size_t>(rows.at(row, 0).integer()), part = static_cast<std::size_t>(rows.at(row, 1).integer());
    if (version > migrations.size()) continue;
    out.push_back({static_cast<int>(version), static_cast<int>(part), batches_of(migrations[version - 1]).at(part).table, rows.at(row, 2).integer(),
                   !rows.at(row, 3).null()});
  }
  return out;
}

bool fill_batch(Database& database, std::span<const Migration> migrations, int finalised, int rows) {
  const auto newest = std::min<std::int64_t>(finalised, static_cast<std::int64_t>(migrations.size()));
  const Rows open = database.read_one([&](Transaction& tx) {
    return tx.query("SELECT version, part, after_key FROM schema_fills WHERE finished_at IS NULL AND version <= ? ORDER BY version, part LIMIT 1", {newest});
  });
  if (open.empty()) return false;
  const std::int64_t version = open.at(0, 0).integer(), part = open.at(0, 1).integer();
  const std::string after = open.at(0, 2).text();
  const Batches batches = batches_of(migrations[static_cast<std::size_t>(version) - 1]).at(static_cast<std::size_t>(part));
  try {
    database.write([&](Transaction& tx) {
      const Rows range = tx.query(fmt::format("SELECT max(k), count(*) FROM (SELECT {0} AS k FROM {1} WHERE {0} > ? ORDER BY {0} LIMIT ?) b", batches.key, batches.table),
                                  {after, rows});
      const bool over = range.at(0, 1).integer() == 0;
      tx.guard("fill", fmt::format("UPDATE schema_fills SET after_key = ?, rows_done = rows_done + ?, finished_at = {} "
                                   "WHERE version = ? AND part = ? AND after_key = ? AND finished_at IS NULL", over ? "scoria_now()" : "NULL"),
               {over ? after : range.at(0, 0).text(), range.at(0, 1).integer(), version, part, after});
      if (!over) tx.run(batches.sql, {after, range.at(0, 0).text()});
    });
  } catch (const GuardFailed&) {
    return true;  // another process did this batch
  }
  return true;
}

std::vector<Step> steps(Database& database, std::span<const Migration> migrations) {
  const std::set<int> applied = database.read_one([&](Transaction& tx) { return verify(tx, migrations, Newer::tolerate); });
  std::vector<Step> out;
  for (const Migration& step : migrations) out.push_back({step.version, std::string(step.name), is_contract(step), applied.contains(step.version)});
  return out;
}

}  // namespace scoria::db
