#include "db/migrate.h"

#include "db/testing.h"

namespace scoria::db {
namespace {

class Migrations : public testing::EveryEngine {};
SCORIA_EVERY_ENGINE(Migrations);

constexpr Migration first{1, "thing", R"(
-- A comment; with a semicolon;
CREATE TABLE thing (
  id TEXT PRIMARY KEY,  -- the key
  data TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX thing_data ON thing (data);
-- sqlite:
INSERT INTO thing (id) VALUES ('sqlite');
-- postgres:
INSERT INTO thing (id) VALUES ('postgres');
-- mariadb:
INSERT INTO thing (id) VALUES ('mariadb');
-- all:
INSERT INTO thing (id) VALUES ('all');
)"};
constexpr Migration second{2, "more", "ALTER TABLE thing ADD COLUMN more BIGINT NOT NULL DEFAULT 7;"};
constexpr Migration broken{3, "broken", "CREATE TABLE half (id BIGINT PRIMARY KEY);\nINSERT INTO nowhere VALUES (1);"};

TEST_P(Migrations, build_the_schema_from_nothing_and_only_once) {
  const Migration steps[] = {first, second};
  EXPECT_EQ(schema_version(database()), 0);
  EXPECT_EQ(migrate(database(), steps), 2);
  EXPECT_EQ(migrate(database(), steps), 0);
  EXPECT_EQ(schema_version(database()), 2);
  const Rows rows = database().read([](Transaction& tx) { return tx.query("SELECT id, data, more FROM thing WHERE id <> 'all'"); });
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(testing::name_of({GetParam(), 0}).starts_with(rows.at(0, 0).text()));
  EXPECT_EQ(rows.at(0, 1).text(), "{}");
  EXPECT_EQ(rows.at(0, 2).integer(), 7);
}

TEST_P(Migrations, upgrade_an_older_schema_and_keep_its_rows) {
  ASSERT_EQ(migrate(database(), std::array{first}), 1);
  database().write([](Transaction& tx) { tx.run("INSERT INTO thing (id) VALUES ('kept')"); });
  EXPECT_EQ(migrate(database(), std::array{first, second}), 1);
  EXPECT_EQ(database().read([](Transaction& tx) { return tx.query("SELECT more FROM thing WHERE id = 'kept'").at(0, 0).integer(); }), 7);
}

TEST_P(Migrations, text_sorts_byte_by_byte_whatever_the_collation) {
  const Migration step{1, "words", R"(
-- sqlite:
CREATE TABLE word (word TEXT PRIMARY KEY);
-- postgres:
CREATE TABLE word (word TEXT COLLATE "en-x-icu" PRIMARY KEY);
-- mariadb:
CREATE TABLE word (word TEXT PRIMARY KEY);
-- all:
INSERT INTO word (word) VALUES ('b'), ('B'), ('_'), ('é'), ('a');
)"};
  migrate(database(), std::array{step});
  std::string order;
  const Rows rows = database().read([](Transaction& tx) { return tx.query("SELECT word FROM word WHERE word > 'A' ORDER BY word"); });
  for (std::size_t row = 0; row < rows.size(); ++row) order += rows.at(row, 0).text();
  EXPECT_EQ(order, "B_abé");
}

TEST_P(Migrations, a_changed_step_is_refused) {
  migrate(database(), std::array{first});
  const Migration changed{1, "thing", "CREATE TABLE other (id BIGINT PRIMARY KEY);"};
  EXPECT_THROW(migrate(database(), std::array{changed, second}), Error);
  EXPECT_EQ(schema_version(database()), 1);
}

TEST_P(Migrations, a_newer_schema_is_refused) {
  migrate(database(), std::array{first, second});
  EXPECT_THROW(migrate(database(), std::array{first}), Error);
}

TEST_P(Migrations, a_step_that_fails_leaves_the_ones_before_it) {
  EXPECT_THROW(migrate(database(), std::array{first, second, broken}), Error);
  EXPECT_EQ(schema_version(database()), 2);
  if (database().engine() == Engine::mariadb) return;  // there each change of the schema stays
  EXPECT_THROW(database().read([](Transaction& tx) { return tx.query("SELECT * FROM half"); }), Error);
}

TEST_P(Migrations, started_together_each_step_runs_once) {
  std::atomic<int> steps{0};
  {
    SystemClock threads;
    for (int at = 0; at < 4; ++at) threads.spawn("migrate", [&] { steps += migrate(database(), std::array{first, second}); });
  }
  EXPECT_EQ(steps, 2);
}

}  // namespace
}  // namespace scoria::db
