#include "db/migrate.h"

#include <fmt/core.h>

#include "base/check.h"
#include "db/engines/mariadb/steps.h"

namespace scoria::db {
namespace {

constexpr std::string_view create_table =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,"
    " applied_at BIGINT NOT NULL)";

/// FNV-1a over the text: tells an edit, not an attack.
std::string checksum(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  return fmt::format("{:016x}", hash);
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view trimmed(std::string_view line) {
  const std::size_t start = std::min(line.find_first_not_of(" \t\r"), line.size());
  return line.substr(start, line.find_last_not_of(" \t\r") + 1 - start);
}

std::vector<std::string> statements_of(std::string_view sql, Engine engine) {
  std::vector<std::string> statements;
  std::string statement;
  bool ours = true;
  while (!sql.empty()) {
    const std::string_view line = trimmed(take_line(sql));
    if (line == "-- all:") ours = true;
    if (line == "-- sqlite:") ours = engine == Engine::sqlite;
    if (line == "-- postgres:") ours = engine == Engine::postgres;
    if (line == "-- mariadb:") ours = engine == Engine::mariadb;
    if (!ours || line.empty() || line.starts_with("--")) continue;
    statement += line;
    statement += '\n';
    if (!line.ends_with(';')) continue;
    statement.resize(statement.size() - 2);
    statements.push_back(std::move(statement));
    statement.clear();
  }
  if (!statement.empty()) throw Error("a migration's last statement does not end with ';'");
  return statements;
}

bool table_exists(Transaction& tx, Engine engine) {
  switch (engine) {
    case Engine::postgres: return !tx.query("SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'schema_migrations'").empty();
    case Engine::mariadb: return !tx.query("SELECT 1 FROM information_schema.tables WHERE table_schema = database() AND table_name = 'schema_migrations'").empty();
    case Engine::sqlite: return !tx.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'").empty();
  }
  return false;
}

/// The newest applied step, after a look at every one.
int verify(Transaction& tx, std::span<const Migration> migrations) {
  const Rows applied = tx.query("SELECT version, name, checksum FROM schema_migrations ORDER BY version");
  for (std::size_t row = 0; row < applied.size(); ++row) {
    const std::int64_t version = applied.at(row, 0).integer();
    if (row >= migrations.size() || version != migrations[row].version)
      throw Error(fmt::format("the database has schema version {}, which this program does not know", version));
    if (applied.at(row, 2).text() != checksum(migrations[row].sql))
      throw Error(fmt::format("migration {} ({}) is not the one that was applied to the database", version, applied.at(row, 1).text()));
  }
  return static_cast<int>(applied.size());
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

/// One step, alone among all processes. False when nothing is missing.
bool advance(Database& database, std::span<const Migration> migrations) {
  bool advanced = false;
  database.run_schema_change([&](Transaction& tx) {
    if (database.engine() == Engine::postgres) tx.query("SELECT pg_advisory_xact_lock(5719, hashtext(current_schema()))");
    if (database.engine() == Engine::mariadb) mariadb::lock_schema(tx);
    tx.run(create_table);
    const auto applied = static_cast<std::size_t>(verify(tx, migrations));
    advanced = applied < migrations.size();
    if (!advanced) return true;
    const Migration& step = migrations[applied];
    const std::vector<std::string> statements = statements_of(step.sql, database.engine());
    if (database.engine() == Engine::mariadb) {
      mariadb::run_step(tx, step.version, statements);
    } else {
      for (const std::string& statement : statements) tx.run(statement);
    }
    if (database.engine() == Engine::postgres) sort_by_bytes(tx);
    tx.run("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, scoria_now())",
           {step.version, step.name, checksum(step.sql)});
    return true;
  });
  return advanced;
}

}  // namespace

int schema_version(Database& database) {
  return database.read([&](Transaction& tx) {
    if (!table_exists(tx, database.engine())) return 0;
    return static_cast<int>(tx.query("SELECT coalesce(max(version), 0) FROM schema_migrations").at(0, 0).integer());
  });
}

int migrate(Database& database, std::span<const Migration> migrations) {
  for (std::size_t at = 0; at < migrations.size(); ++at)
    SCORIA_CHECK(migrations[at].version == static_cast<int>(at) + 1, "migrations are numbered from 1 without gaps");
  int steps = 0;
  while (advance(database, migrations)) ++steps;
  return steps;
}

}  // namespace scoria::db
