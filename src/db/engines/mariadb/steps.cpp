#include "db/engines/mariadb/steps.h"

#include <fmt/core.h>

#include "base/failpoint.h"
#include "db/engines/mariadb/words.h"

namespace scoria::db::mariadb {
namespace {

constexpr std::string_view create_progress = "CREATE TABLE IF NOT EXISTS schema_progress (version BIGINT PRIMARY KEY, done BIGINT NOT NULL)";

/// An index on columns that were no part of a key so far: their text is bounded first.
void bound_columns(Transaction& tx, const std::string& index) {
  const Tokens tokens = tokens_of(index);
  const std::size_t on = find_word(tokens, "ON");
  if (!tokens[0].is("CREATE") || on + 2 >= tokens.size()) return;
  std::string table = tokens[on + 1].text;
  std::erase(table, '"');
  for (std::size_t at = on + 3; at < closing(tokens, on + 2); ++at) {
    std::string column = tokens[at].text;
    std::erase(column, '"');
    const Rows rows = tx.query("SELECT is_nullable, column_default FROM information_schema.columns WHERE table_schema = database() AND table_name = ? "
                               "AND column_name = ? AND data_type = 'longtext'", {table, column});
    if (rows.empty()) continue;
    const Cell standard = rows.at(0, 1);
    tx.run(fmt::format("ALTER TABLE \"{}\" MODIFY \"{}\" VARCHAR(255) {}{}", table, column, rows.at(0, 0).text() == "YES" ? "NULL" : "NOT NULL",
                       standard.null() || standard.text() == "NULL" ? "" : " DEFAULT " + standard.text()));
  }
}

/// DROP INDEX with the table that it is on, which MariaDB wants to be told; empty if there is none.
std::string placed(Transaction& tx, const std::string& sql) {
  const Tokens tokens = tokens_of(sql);
  if (!tokens[0].is("DROP") || !tokens[1].is("INDEX") || find_word(tokens, "ON") < tokens.size()) return sql;
  const Rows rows = tx.query("SELECT DISTINCT table_name FROM information_schema.statistics WHERE table_schema = database() AND index_name = ?", {tokens.back().text});
  return rows.empty() ? "" : fmt::format("DROP INDEX IF EXISTS {} ON \"{}\"", tokens.back().text, rows.at(0, 0).text());
}

}  // namespace

void lock_schema(Transaction& tx) {
  if (tx.query("SELECT get_lock(concat('scoria-schema-', left(md5(database()), 16)), 600)").at(0, 0).integer() != 1)
    throw Error("another process has been changing the schema for ten minutes");
}

void run_step(Transaction& tx, int version, const std::vector<std::string>& statements) {
  tx.run(create_progress);
  const Rows progress = tx.query("SELECT done FROM schema_progress WHERE version = ?", {version});
  const std::vector<std::string> words = schema_words(statements);
  for (std::size_t at = progress.empty() ? 0 : static_cast<std::size_t>(progress.at(0, 0).integer()); at < words.size(); ++at) {
    bound_columns(tx, words[at]);
    if (const std::string statement = placed(tx, words[at]); !statement.empty()) tx.run(statement);
    FAILPOINT("db.mariadb.step");
    // With a statement that changes rows in one transaction; a change of the schema is committed already.
    tx.run("INSERT INTO schema_progress (version, done) VALUES (?, ?) ON CONFLICT (version) DO UPDATE SET done = excluded.done",
           {version, static_cast<std::int64_t>(at) + 1});
  }
  tx.run("DELETE FROM schema_progress WHERE version = ?", {version});
}

}  // namespace scoria::db::mariadb
