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
  migrate(database(), std::array{first});
  EXPECT_THROW(migrate(database(), std::array{first, second, broken}), Error);
  EXPECT_EQ(schema_version(database()), 2);
  if (database().engine() == Engine::mariadb) return;  // there each change of the schema stays
  EXPECT_THROW(database().read([](Transaction& tx) { return tx.query("SELECT * FROM half"); }), Error);
}

TEST_P(Migrations, a_new_database_begins_with_all_steps_or_none) {
  EXPECT_THROW(migrate(database(), std::array{first, second, broken}), Error);
  EXPECT_EQ(schema_version(database()), database().engine() == Engine::mariadb ? 2 : 0);
  EXPECT_EQ(migrate(database(), std::array{first, second}), database().engine() == Engine::mariadb ? 0 : 2);
}

TEST_P(Migrations, started_together_each_step_runs_once) {
  std::atomic<int> steps{0};
  {
    SystemClock threads;
    for (int at = 0; at < 4; ++at) threads.spawn("migrate", [&] { steps += migrate(database(), std::array{first, second}); });
  }
  EXPECT_EQ(steps, 2);
}

// A column that is renamed: added and filled, then taken away.
constexpr Migration added{2, "added", R"(
ALTER TABLE thing ADD COLUMN content TEXT;
-- batches of thing by id:
UPDATE thing SET content = data WHERE {batch} AND content IS NULL;
-- all:
CREATE TABLE beside (id TEXT PRIMARY KEY);
)"};
constexpr Migration taken{3, "taken", "-- contract\nUPDATE thing SET content2 = content;"};
constexpr Migration dropped{3, "dropped", "-- contract\nDROP INDEX thing_data;\nALTER TABLE thing DROP COLUMN data;"};
constexpr Migration later{4, "later", "CREATE TABLE later (id TEXT PRIMARY KEY);"};
constexpr std::array renamed = {first, added, dropped, later};

class Renames : public Migrations {
 protected:
  void fill_all() {
    while (fill_batch(database(), renamed, 4, 10)) {
    }
  }
  std::int64_t count(const std::string& condition) {
    return database().read([&](Transaction& tx) { return tx.query("SELECT count(*) FROM thing WHERE " + condition).at(0, 0).integer(); });
  }
  void prepare() {
    migrate(database(), std::array{first});
    database().write([](Transaction& tx) {
      for (int at = 0; at < 33; ++at) tx.run("INSERT INTO thing (id, data) VALUES (?, ?)", {"row" + std::to_string(at), std::to_string(at)});
    });
    migrate(database(), renamed);
  }
};
SCORIA_EVERY_ENGINE(Renames);

TEST_P(Renames, a_contract_waits_until_it_is_finalised_and_filled) {
  prepare();
  EXPECT_EQ(schema_version(database()), 4);  // the step after it does not wait
  EXPECT_EQ(count("data IS NOT NULL"), 35);
  fill_all();
  EXPECT_EQ(contract(database(), renamed, 2), 0);
  EXPECT_EQ(contract(database(), renamed, 3), 1);
  EXPECT_EQ(contract(database(), renamed, 3), 0);
  EXPECT_EQ(count("content IS NOT NULL"), 35);
  EXPECT_THROW(count("data IS NULL"), Error);
  EXPECT_EQ(migrate(database(), renamed), 0);
}

TEST_P(Renames, an_unfinished_fill_holds_the_contract_back) {
  prepare();
  EXPECT_EQ(contract(database(), renamed, 4), 0);
  ASSERT_TRUE(fill_batch(database(), renamed, 4, 10));
  EXPECT_EQ(contract(database(), renamed, 4), 0);
  EXPECT_EQ(count("data IS NOT NULL"), 35);
  fill_all();
  EXPECT_EQ(contract(database(), renamed, 4), 1);
}

TEST_P(Renames, fills_go_batch_by_batch_from_where_they_were) {
  prepare();
  EXPECT_FALSE(fill_batch(database(), renamed, 1, 10));  // not before its step is finalised
  EXPECT_EQ(count("content IS NOT NULL"), 0);
  ASSERT_TRUE(fill_batch(database(), renamed, 2, 10));
  EXPECT_EQ(count("content IS NOT NULL"), 10);
  const auto half = fills(database(), renamed);
  ASSERT_EQ(half.size(), 1u);
  EXPECT_EQ(half[0].version, 2);
  EXPECT_EQ(half[0].table, "thing");
  EXPECT_EQ(half[0].rows_done, 10);
  EXPECT_FALSE(half[0].finished);
  fill_all();
  EXPECT_EQ(fills(database(), renamed)[0].rows_done, 35);
  EXPECT_TRUE(fills(database(), renamed)[0].finished);
  EXPECT_EQ(count("content = data"), 35);
}

TEST_P(Renames, processes_that_fill_together_count_each_row_once) {
  prepare();
  {
    SystemClock threads;
    for (int at = 0; at < 3; ++at) threads.spawn("fill", [&] { fill_all(); });
  }
  EXPECT_EQ(fills(database(), renamed)[0].rows_done, 35);
  EXPECT_EQ(count("content = data"), 35);
}

TEST_P(Renames, an_empty_database_gets_its_last_form_at_once) {
  EXPECT_EQ(migrate(database(), renamed), 4);
  EXPECT_THROW(count("data IS NULL"), Error);
  EXPECT_TRUE(fills(database(), renamed)[0].finished);
  for (const Step& step : steps(database(), renamed)) EXPECT_TRUE(step.applied) << step.name;
}

TEST_P(Renames, a_program_that_went_back_tolerates_what_was_added) {
  prepare();
  EXPECT_EQ(migrate(database(), std::array{first}, Newer::tolerate), 0);
  EXPECT_THROW(migrate(database(), std::array{first}), Error);
}

TEST_P(Renames, a_contract_that_fails_changes_nothing) {
  prepare();
  fill_all();
  EXPECT_THROW(contract(database(), std::array{first, added, taken}, 3), Error);
  EXPECT_FALSE(steps(database(), renamed)[2].applied);
}

}  // namespace
}  // namespace scoria::db
