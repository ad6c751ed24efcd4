#include "store/attachments/list.h"
#include "store/messages/messages.h"
#include "store/qos/qos.h"
#include "store/snapshots/list.h"
#include "store/testing.h"
#include "store/types/list.h"
#include "store/volumes/shown.h"

namespace scoria::store {
namespace {

const ListTable* const list_tables[] = {&volumes::list_table, &snapshots::list_table, &attachments::list_table, &types::list_table, &qos::list_table, &messages::list_table};

class ListTables : public testing::Migrated {};
SCORIA_EVERY_ENGINE(ListTables);

TEST_P(ListTables, say_of_a_column_that_it_can_be_unset_where_the_schema_does) {
  if (database().engine() != db::Engine::sqlite) return;  // others tell their schema in other words
  // What is no column alone: joined, or made of several.
  const std::map<std::string_view, bool> made = {{"service_uuid", true}, {"cluster_name", true}, {"host", true}, {"availability_zone", true}, {"event_id", true}};
  for (const ListTable* table : list_tables)
    for (const ListColumn& column : table->columns) {
      const std::string_view of = column.sql.substr(0, column.sql.find('.')), name = column.sql.substr(column.sql.find('.') + 1);
      const auto schema = rows("SELECT \"notnull\" = 0 AND pk = 0 FROM pragma_table_info(?) WHERE name = ?", {of, name});
      if (column.type == ListColumn::Type::entries) EXPECT_FALSE(column.nullable) << table->noun << " " << column.key;
      else if (schema.empty()) EXPECT_EQ(column.nullable, made.at(column.key)) << table->noun << " " << column.key;
      else EXPECT_EQ(column.nullable, schema.front() == "1") << table->noun << " " << column.key;
    }
}

TEST_P(ListTables, can_be_sorted_and_filtered_by_every_column) {
  for (const ListTable* table : list_tables)
    for (const ListColumn& column : table->columns) {
      ListQuery query;
      query.with_count = true;
      query.sort = {{"id", true}};
      if (column.type == ListColumn::Type::entries) {
        query.filters.push_back({std::string(column.key), ListFilter::Test::has_entries, {}, {{"k", "v"}}});
      } else {
        query.sort.insert(query.sort.begin(), {std::string(column.key), false});
        query.filters.push_back({std::string(column.key), ListFilter::Test::equal, {std::nullopt}, {}});
      }
      const auto listed = read([&](auto& tx) { return run_list(tx, *table, query); });
      ASSERT_TRUE(listed) << table->noun << " " << column.key;
      EXPECT_EQ(listed->count.value_or(-1), 0);
    }
}

TEST_P(ListTables, show_a_project_the_types_that_it_may_use) {
  database().write([](db::Transaction& tx) {
    tx.run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('a', 'public', 1, '{}', 1), ('b', 'ours', 0, '{}', 1), ('c', 'theirs', 0, '{}', 1)");
    tx.run("INSERT INTO volume_type_access (type_id, project_id) VALUES ('b', 'p'), ('c', 'q')");
  });
  const auto seen = [&](const std::string& project) {
    ListQuery query;
    query.sort = {{"id", true}};
    query.project_id = project, query.with_count = true;
    const auto listed = read([&](auto& tx) { return run_list(tx, types::list_table, query); });
    std::string out;
    for (std::size_t row = 0; row < listed->rows.size(); ++row) out += listed->rows.at(row, 0).text();
    EXPECT_EQ(static_cast<std::size_t>(*listed->count), out.size());
    return out;
  };
  EXPECT_EQ(seen("p"), "ab");
  EXPECT_EQ(seen("q"), "ac");
  EXPECT_EQ(seen("nobody"), "a");
  EXPECT_EQ(seen(""), "abc");
}

TEST_P(ListTables, show_no_hidden_attachment) {
  run("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, hidden, created_at) VALUES ('a', 'v', 'p', 'u', 'reserved', 0, 1), "
      "('b', 'v', 'p', 'u', 'reserved', 1, 1)");
  ListQuery query;
  query.sort = {{"id", true}};
  const auto listed = read([&](auto& tx) { return run_list(tx, attachments::list_table, query); });
  ASSERT_EQ(listed->rows.size(), 1u);
  EXPECT_EQ(attachments::read(listed->rows, 0).id.text, "a");
}

}  // namespace
}  // namespace scoria::store
