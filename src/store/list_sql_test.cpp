#include "store/list_sql.h"

#include <algorithm>

#include "base/random.h"
#include "db/testing.h"

namespace scoria::store {
namespace {

using Op = ListFilter::Test;
using Type = ListColumn::Type;

constexpr ListColumn columns[] = {
    {"id", "t.id", Type::text, false},
    {"name", "t.name", Type::text, true},
    {"size", "t.size", Type::integer, true},
    {"bootable", "t.bootable", Type::flag, false},
    {"created_at", "t.created_at", Type::time, false},
    {"metadata", "{json_text:t.metadata:?} = ?", Type::entries, false},
};

constexpr ListTable things{.noun = "Thing", .select = "t.id", .from = "thing t", .where = "t.deleted = 0", .id = "t.id", .project = "t.project_id", .columns = columns};

struct Thing {
  std::string id;
  std::optional<std::string> name;
  std::optional<std::int64_t> size;
  bool bootable = false;
  std::int64_t created_at = 0;
  std::string project = "p1";
  std::string metadata = "{}";
  bool deleted = false;
};

class ListSqlOn : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database().write([](db::Transaction& tx) {
      tx.run("CREATE TABLE thing (id TEXT PRIMARY KEY, name TEXT, size BIGINT, bootable INTEGER NOT NULL, created_at BIGINT NOT NULL, "
             "project_id TEXT NOT NULL, metadata TEXT NOT NULL, deleted INTEGER NOT NULL)");
    });
  }

  void insert(const std::vector<Thing>& rows) {
    database().write([&](db::Transaction& tx) {
      for (const Thing& row : rows) {
        tx.run("INSERT INTO thing VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
               {row.id, row.name ? db::Value(*row.name) : db::Value{}, row.size ? db::Value(*row.size) : db::Value{}, row.bootable, row.created_at,
                row.project, row.metadata, row.deleted});
      }
    });
  }

  Result<ListedRows> list(const ListQuery& query) {
    return database().read([&](db::Transaction& tx) { return run_list(tx, things, query); });
  }

  std::vector<std::string> ids(const ListQuery& query) {
    const Result<ListedRows> listed = list(query);
    std::vector<std::string> out;
    EXPECT_TRUE(listed);
    for (std::size_t row = 0; listed && row < listed->rows.size(); ++row) out.push_back(listed->rows.at(row, 0).text());
    return out;
  }

  std::vector<std::string> found(ListFilter filter) {
    ListQuery query;
    query.sort = {{"id", true}};
    query.filters.push_back(std::move(filter));
    return ids(query);
  }
};

SCORIA_EVERY_ENGINE(ListSqlOn);

using Ids = std::vector<std::string>;

std::vector<Thing> a_few() {
  return {{.id = "a", .name = "Alpha", .size = 1, .bootable = true, .created_at = 1000000, .metadata = R"({"k":"v","x":"1"})"},
          {.id = "b", .name = "al%ha", .size = 5, .created_at = 2000000, .metadata = R"({"k":"w"})"},
          {.id = "c", .name = std::nullopt, .size = std::nullopt, .created_at = 3000000},
          {.id = "d", .name = "other's", .size = 5, .created_at = 4000000, .project = "p2"},
          {.id = "e", .name = "gone", .size = 5, .created_at = 5000000, .deleted = true}};
}

TEST_P(ListSqlOn, filters_find_what_they_say) {
  insert(a_few());
  EXPECT_EQ(found({"name", Op::equal, {"Alpha"}, {}}), Ids{"a"});
  EXPECT_EQ(found({"name", Op::equal, {std::nullopt}, {}}), Ids{"c"});
  EXPECT_EQ(found({"size", Op::equal, {"5"}, {}}), (Ids{"b", "d"}));
  EXPECT_EQ(found({"size", Op::equal, {"five"}, {}}), Ids{});
  EXPECT_EQ(found({"bootable", Op::equal, {"True"}, {}}), Ids{"a"});
  EXPECT_EQ(found({"name", Op::one_of, {"Alpha", "other's", "none"}, {}}), (Ids{"a", "d"}));
  EXPECT_EQ(found({"size", Op::one_of, {"1", std::nullopt, "x"}, {}}), (Ids{"a", "c"}));
  EXPECT_EQ(found({"name", Op::one_of, {}, {}}), Ids{});
  EXPECT_EQ(found({"name", Op::contains, {"AL"}, {}}), (Ids{"a", "b"}));
  EXPECT_EQ(found({"name", Op::contains, {"l%h"}, {}}), Ids{"b"});
  EXPECT_EQ(found({"size", Op::contains, {"5"}, {}}), Ids{});
  EXPECT_EQ(found({"created_at", Op::greater, {"1970-01-01T00:00:02"}, {}}), (Ids{"c", "d"}));
  EXPECT_EQ(found({"created_at", Op::less_or_equal, {"1970-01-01T00:00:02"}, {}}), (Ids{"a", "b"}));
  EXPECT_EQ(found({"created_at", Op::not_equal, {"1970-01-01T00:00:02"}, {}}), (Ids{"a", "c", "d"}));
  EXPECT_EQ(found({"created_at", Op::less, {"1970-01-01T00:00:02"}, {}}), Ids{"a"});
  EXPECT_EQ(found({"created_at", Op::greater_or_equal, {"1970-01-01T00:00:02"}, {}}), (Ids{"b", "c", "d"}));
  EXPECT_EQ(found({"created_at", Op::less, {"yesterday"}, {}}), Ids{});
  EXPECT_EQ(found({"metadata", Op::has_entries, {}, {{"k", "v"}, {"x", "1"}}}), Ids{"a"});
  EXPECT_EQ(found({"metadata", Op::has_entries, {}, {{"k", "v"}, {"x", "2"}}}), Ids{});
  EXPECT_EQ(found({"metadata", Op::equal, {"v"}, {}}), Ids{});
  EXPECT_EQ(found({"nonsense", Op::equal, {"v"}, {}}), Ids{});
}

TEST_P(ListSqlOn, a_value_is_read_whole_or_matches_nothing) {
  insert({{.id = "a", .name = "per%cent", .size = 0, .bootable = true}, {.id = "b", .name = "under_score", .size = 5}, {.id = "c", .name = "back\\slash", .size = 1},
          {.id = "d", .name = "underxscore", .size = std::nullopt}});
  for (const char* number : {"5x", "x5", "", "99999999999999999999", "five"}) EXPECT_EQ(found({"size", Op::equal, {number}, {}}), Ids{}) << number;
  EXPECT_EQ(found({"size", Op::equal, {"0"}, {}}), Ids{"a"});
  EXPECT_EQ(found({"size", Op::one_of, {"0", "99999999999999999999"}, {}}), Ids{"a"});
  EXPECT_EQ(found({"size", Op::one_of, {std::nullopt, "5"}, {}}), (Ids{"b", "d"}));
  EXPECT_EQ(found({"size", Op::one_of, {"5", "1"}, {}}), (Ids{"b", "c"}));
  for (const char* yes : {"true", "TRUE", "1"}) EXPECT_EQ(found({"bootable", Op::equal, {yes}, {}}), Ids{"a"}) << yes;
  for (const char* no : {"false", "False", "0"}) EXPECT_EQ(found({"bootable", Op::equal, {no}, {}}), (Ids{"b", "c", "d"})) << no;
  for (const char* neither : {"yes", "2", ""}) EXPECT_EQ(found({"bootable", Op::equal, {neither}, {}}), Ids{}) << neither;
  EXPECT_EQ(found({"name", Op::contains, {"r%c"}, {}}), Ids{"a"});
  EXPECT_EQ(found({"name", Op::contains, {"r_s"}, {}}), Ids{"b"});
  EXPECT_EQ(found({"name", Op::contains, {"k\\s"}, {}}), Ids{"c"});
  EXPECT_EQ(found({"name", Op::has_entries, {}, {{"k", "v"}}}), Ids{});
}

TEST_P(ListSqlOn, what_belongs_to_nobody_is_seen_by_every_project) {
  insert(a_few());
  ListTable shared = things;
  shared.project = "";
  ListTable scoped = things;
  scoped.scope = "t.bootable = 1 AND t.project_id = ?";
  ListQuery query;
  query.sort = {{"created_at", true}, {"id", true}};
  query.project_id = "p1", query.with_count = true;
  const auto counted = [&](const ListTable& table) {
    const auto listed = database().read([&](db::Transaction& tx) { return run_list(tx, table, query); });
    return std::pair(static_cast<std::int64_t>(listed->rows.size()), *listed->count);
  };
  EXPECT_EQ(counted(shared), (std::pair<std::int64_t, std::int64_t>(4, 4)));
  EXPECT_EQ(counted(scoped), (std::pair<std::int64_t, std::int64_t>(1, 1)));
  EXPECT_EQ(counted(things), (std::pair<std::int64_t, std::int64_t>(3, 3)));
  query.project_id = "";
  EXPECT_EQ(counted(scoped), (std::pair<std::int64_t, std::int64_t>(4, 4)));
}

TEST_P(ListSqlOn, other_projects_rows_are_seen_only_without_a_project) {
  insert(a_few());
  ListQuery query;
  query.sort = {{"id", true}};
  query.project_id = "p2";
  EXPECT_EQ(ids(query), Ids{"d"});
  query.project_id = "";
  EXPECT_EQ(ids(query), (Ids{"a", "b", "c", "d"}));
}

TEST_P(ListSqlOn, an_unknown_or_foreign_marker_is_not_found) {
  insert(a_few());
  ListQuery query;
  query.sort = {{"id", true}};
  query.project_id = "p1";
  for (const char* marker : {"d", "e", "zz"}) {
    query.marker = marker;
    const Result<ListedRows> listed = list(query);
    ASSERT_FALSE(listed) << marker;
    EXPECT_EQ(listed.error().code, RefusalCode::not_found);
    EXPECT_EQ(listed.error().message, std::string("Thing ") + marker + " could not be found.");
  }
}

TEST_P(ListSqlOn, a_sort_key_that_the_table_lacks_is_refused) {
  ListQuery query;
  for (const char* key : {"nonsense", "metadata"}) {
    query.sort = {{key, true}, {"id", true}};
    EXPECT_EQ(list(query).error().code, RefusalCode::invalid_input) << key;
  }
}

TEST_P(ListSqlOn, the_count_is_of_all_matches_whatever_the_page) {
  insert(a_few());
  ListQuery query;
  query.sort = {{"id", true}};
  query.with_count = true;
  query.limit = 1;
  query.marker = "b";
  query.filters.push_back({"size", Op::one_of, {"5", "1"}, {}});
  const Result<ListedRows> listed = list(query);
  EXPECT_EQ(listed->rows.size(), 1U);
  EXPECT_EQ(listed->count.value(), 3);
  query.nothing = true;
  EXPECT_EQ(list(query)->rows.size(), 0U);
  EXPECT_EQ(list(query)->count.value(), 0);
}

/// The order that the contract promises: unset before everything else when ascending.
bool before(const Thing& a, const Thing& b, const std::vector<SortKey>& sort) {
  for (const SortKey& key : sort) {
    const auto compare = [&](const auto& x, const auto& y) { return x == y ? 0 : (x < y) == key.ascending ? -1 : 1; };
    int order = 0;
    if (key.key == "id") order = compare(a.id, b.id);
    if (key.key == "name") order = compare(a.name, b.name);
    if (key.key == "size") order = compare(a.size, b.size);
    if (key.key == "bootable") order = compare(a.bootable, b.bootable);
    if (key.key == "created_at") order = compare(a.created_at, b.created_at);
    if (order != 0) return order < 0;
  }
  return false;
}

std::vector<SortKey> random_sort(Random& random) {
  std::vector<SortKey> out;
  std::vector<std::string> keys{"name", "size", "bootable", "created_at"};
  const bool one_direction = random.below(3) == 0;
  const bool ascending = random.below(2) == 0;
  for (std::size_t count = random.below(4); count > 0; --count) {
    const auto pick = keys.begin() + static_cast<std::ptrdiff_t>(random.below(keys.size()));
    out.push_back({*pick, one_direction ? ascending : random.below(2) == 0});
    keys.erase(pick);
  }
  out.push_back({"id", one_direction ? ascending : random.below(2) == 0});
  return out;
}

TEST_P(ListSqlOn, pages_joined_together_are_the_whole_list_in_order_for_any_sort) {
  SeededRandom random(42);
  std::vector<Thing> rows;
  for (int number = 0; number < 90; ++number) {
    Thing row{.id = random.uuid(), .bootable = random.below(2) == 0, .created_at = static_cast<std::int64_t>(random.below(5))};
    if (random.below(4) != 0) row.name = std::string(1, static_cast<char>("AbC"[random.below(3)]));
    if (random.below(4) != 0) row.size = static_cast<std::int64_t>(random.below(3));
    row.project = std::vector<std::string>{"p0", "p1", "p2"}[random.below(3)];
    rows.push_back(row);
  }
  insert(rows);
  for (int round = 0; round < 40; ++round) {
    ListQuery query;
    query.sort = random_sort(random);
    if (round % 8 == 0) query.sort = {{"created_at", round % 16 == 0}, {"id", round % 16 == 0}};  // as most ask
    if (round % 4 == 0) query.project_id = "p1";
    query.limit = 1 + static_cast<std::int64_t>(random.below(25));
    std::sort(rows.begin(), rows.end(), [&](const Thing& a, const Thing& b) { return before(a, b, query.sort); });
    Ids expected;
    for (const Thing& row : rows)
      if (query.project_id.empty() || row.project == query.project_id) expected.push_back(row.id);
    query.with_count = true;
    EXPECT_EQ(list(query)->count.value(), static_cast<std::int64_t>(expected.size()));
    query.with_count = false;
    Ids seen;
    for (Ids page = ids(query); !page.empty(); page = ids(query)) {
      seen.insert(seen.end(), page.begin(), page.end());
      query.marker = seen.back();
      ASSERT_LE(seen.size(), expected.size());
    }
    ASSERT_EQ(seen, expected) << "round " << round;
  }
}

TEST_P(ListSqlOn, an_offset_skips_after_the_marker) {
  insert(a_few());
  ListQuery query;
  query.sort = {{"id", true}};
  query.offset = 1;
  query.limit = 2;
  EXPECT_EQ(ids(query), (Ids{"b", "c"}));
  query.marker = "a";
  EXPECT_EQ(ids(query), (Ids{"c", "d"}));
}

TEST(ListSql, one_direction_over_set_columns_is_one_row_comparison) {
  ListQuery query;
  query.sort = {{"created_at", false}, {"id", false}};
  const ListSql sql = page_sql(things, query, {db::Value(5), db::Value("a")});
  EXPECT_NE(sql.text.find("(t.created_at, t.id) < (?, ?)"), std::string::npos) << sql.text;
  EXPECT_EQ(sql.text.find("NULLS"), std::string::npos) << sql.text;
  EXPECT_TRUE(sql.text.ends_with("LIMIT ?")) << "and no offset that nobody asked for: " << sql.text;
}

TEST(ListSql, an_order_in_both_directions_begins_at_its_first_column) {
  ListQuery query;
  for (const bool ascending : {true, false}) {
    query.sort = {{"created_at", ascending}, {"id", !ascending}};
    const ListSql sql = page_sql(things, query, {db::Value(5), db::Value("a")});
    EXPECT_NE(sql.text.find(ascending ? "t.created_at >= ? AND (" : "t.created_at <= ? AND ("), std::string::npos) << sql.text;
  }
}

TEST(ListSql, a_page_of_one_project_can_be_read_only_from_that_projects_index) {
  ListQuery query;
  query.project_id = "p1";
  query.sort = {{"created_at", false}, {"id", false}};
  const ListSql sql = page_sql(things, query, {db::Value(5), db::Value("a")});
  EXPECT_NE(sql.text.find("ORDER BY t.project_id DESC, t.created_at DESC, t.id DESC"), std::string::npos) << sql.text;
  EXPECT_NE(sql.text.find("(t.project_id, t.created_at, t.id) < (?, ?, ?)"), std::string::npos) << sql.text;
  EXPECT_EQ(sql.text.find("t.project_id = ?"), std::string::npos) << "an equality lets the planner take another index: " << sql.text;
}

TEST_P(ListSqlOn, a_page_of_one_project_begins_at_its_marker) {
  if (database().engine() != db::Engine::sqlite) return;  // others tell their plans in other words
  database().write([](db::Transaction& tx) { tx.run("CREATE INDEX thing_project ON thing(project_id, created_at, id)"); });
  for (const bool ascending : {true, false}) {
    ListQuery query;
    query.project_id = "p1";
    query.sort = {{"created_at", ascending}, {"id", ascending}};
    const ListSql sql = page_sql(things, query, {db::Value(5), db::Value("a")});
    const db::Rows plan = database().read([&](db::Transaction& tx) { return tx.query("EXPLAIN QUERY PLAN " + sql.text, sql.values); });
    ASSERT_EQ(plan.size(), 1u) << "and is not sorted";
    EXPECT_NE(plan.at(0, 3).text().find("(project_id,created_at,id)"), std::string::npos) << plan.at(0, 3).text();
  }
}

}  // namespace
}  // namespace scoria::store
