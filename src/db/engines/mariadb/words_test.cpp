#include "db/engines/mariadb/words.h"

#include <gtest/gtest.h>

namespace scoria::db::mariadb {
namespace {

std::string words(std::string_view sql) { return plan(sql).text; }

TEST(MariadbWords, casts_clocks_names_and_orders_become_its_own) {
  EXPECT_EQ(words("SELECT CAST(? AS TEXT), CAST(a AS BIGINT) / 2 FROM t ORDER BY a NULLS FIRST, b DESC NULLS LAST, id"),
            "SELECT CAST(? AS CHAR), CAST(a AS SIGNED) DIV 2 FROM t ORDER BY a, b DESC, id");
  EXPECT_EQ(words("SELECT key, groups FROM t WHERE due <= scoria_now()"),
            "SELECT \"key\", \"groups\" FROM t WHERE due <= TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))");
  EXPECT_EQ(words("SELECT 'NULLS FIRST key / ?' || \"key\" FROM t"), "SELECT 'NULLS FIRST key / ?' || \"key\" FROM t");
}

TEST(MariadbWords, limits_inside_in_stand_one_level_deeper) {
  EXPECT_EQ(words("DELETE FROM t WHERE id IN (SELECT id FROM t WHERE a = ? LIMIT ?) AND b IN (SELECT c FROM u)"),
            "DELETE FROM t WHERE id IN (SELECT * FROM (SELECT id FROM t WHERE a = ? LIMIT ?) AS limited) AND b IN (SELECT c FROM u)");
}

TEST(MariadbWords, tables_an_update_takes_values_from_stand_in_front) {
  EXPECT_EQ(words("UPDATE t SET a = CASE WHEN b IS NULL THEN s.a ELSE coalesce(t.a, 1) END, n = n + 1 FROM (SELECT count(*) AS a FROM u WHERE c = ?) s WHERE t.id = ?"),
            "UPDATE t, (SELECT count(*) AS a FROM u WHERE c = ?) s SET t.a = CASE WHEN b IS NULL THEN s.a ELSE coalesce(t.a, 1) END, t.n = n + 1 WHERE t.id = ?");
  EXPECT_EQ(words("UPDATE t SET a = (SELECT max(a) FROM u), b = ? WHERE c = ?"), "UPDATE t SET a = (SELECT max(a) FROM u), b = ? WHERE c = ?");
}

TEST(MariadbWords, conflicts_become_duplicate_keys) {
  const Plan quiet = plan("INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO NOTHING");
  EXPECT_EQ(quiet.kind, Plan::Kind::insert_or_not);
  EXPECT_EQ(quiet.text, "INSERT IGNORE INTO t (a) VALUES (?)");
  const Plan upsert = plan("INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = t.b + excluded.b, c = 1");
  EXPECT_EQ(upsert.kind, Plan::Kind::upsert);
  EXPECT_EQ(upsert.text, "INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE b = t.b + VALUES(b), c = 1");
  EXPECT_EQ(words("INSERT INTO t (a) VALUES (?) ON CONFLICT (a) DO UPDATE SET b = b + 1, c = 2 WHERE b < ?"),
            "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE b = IF(b < ?, b + 1, (SELECT 1 UNION ALL SELECT 2)), c = 2");
}

TEST(MariadbWords, an_update_that_returns_rows_finds_them_first) {
  const Plan update = plan("UPDATE t o SET a = ?, b = b + ? WHERE c = ? AND d IN (SELECT e FROM u WHERE f = ?) RETURNING id, ?");
  EXPECT_EQ(update.kind, Plan::Kind::update_returning);
  EXPECT_EQ(update.text, "SELECT {keys} FROM t o WHERE c = ? AND d IN (SELECT e FROM u WHERE f = ?) FOR UPDATE");
  EXPECT_EQ(update.table + "|" + update.target + "|" + update.set + "|" + update.returning, "t|t o|a = ?, b = b + ?|id, ?");
  EXPECT_EQ(update.set_parameters, 2u);
  EXPECT_EQ(update.find_parameters, 2u);
  EXPECT_FALSE(update.find_first);
  const Plan claim = plan("WITH c AS (SELECT seq FROM t WHERE q = ? LIMIT ?{skip_locked}) UPDATE t SET owner = ? WHERE seq IN (SELECT seq FROM c) RETURNING id");
  EXPECT_EQ(claim.text, "SELECT seq FROM t WHERE q = ? LIMIT ? FOR UPDATE SKIP LOCKED");
  EXPECT_EQ(claim.key, "seq");
  EXPECT_EQ(claim.find_parameters, 2u);
  EXPECT_TRUE(claim.find_first);
}

TEST(MariadbWords, text_of_keys_is_bounded_and_indexes_are_made_with_their_table) {
  const std::vector<std::string> made = schema_words({
      "CREATE TABLE t (seq {seq}, id TEXT NOT NULL UNIQUE, key TEXT, body TEXT NOT NULL DEFAULT '{}', n BIGINT CHECK (n >= 0), PRIMARY KEY (key, n))",
      "CREATE INDEX t_ready ON t(n DESC, seq) WHERE state = 'ready'", "CREATE UNIQUE INDEX t_n ON t(n)", "INSERT INTO t (id) VALUES ('a')"});
  ASSERT_EQ(made.size(), 2u);
  EXPECT_EQ(made[0],
            "CREATE TABLE IF NOT EXISTS \"t\" (\"seq\" BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, \"id\" VARCHAR(255) NOT NULL UNIQUE, \"key\" VARCHAR(255), "
            "\"body\" LONGTEXT NOT NULL DEFAULT '{}', \"n\" BIGINT CHECK (n >= 0), PRIMARY KEY (\"key\", \"n\"), KEY \"t_ready\" (\"state\", \"n\" DESC, \"seq\"), "
            "UNIQUE KEY \"t_n\" (\"n\")) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin");
  EXPECT_EQ(made[1], "INSERT INTO t (id) VALUES ('a')");
  EXPECT_EQ(schema_words({made[0]}), std::vector{made[0]});
}

TEST(MariadbWords, changes_of_the_schema_can_be_repeated) {
  EXPECT_EQ(words("CREATE INDEX a ON t(b) WHERE c IS NOT NULL"), "CREATE INDEX IF NOT EXISTS \"a\" ON \"t\" (\"b\")");
  EXPECT_EQ(words("ALTER TABLE t ADD COLUMN c TEXT NOT NULL DEFAULT ''"), "ALTER TABLE t ADD COLUMN IF NOT EXISTS c LONGTEXT NOT NULL DEFAULT ''");
  EXPECT_EQ(words("ALTER TABLE t DROP COLUMN c"), "ALTER TABLE t DROP COLUMN IF EXISTS c");
  EXPECT_EQ(words("DROP INDEX a"), "DROP INDEX IF EXISTS a");
}

}  // namespace
}  // namespace scoria::db::mariadb
