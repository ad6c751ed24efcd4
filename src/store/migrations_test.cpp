#include "store/migrations.h"

#include <map>
#include <set>

#include "db/testing.h"

namespace scoria::store {
namespace {

class Schema : public db::testing::EveryEngine {
 protected:
  /// "table.column" of everything there is.
  static std::set<std::string> columns(db::Database& database) {
    const db::Rows rows = database.read([&](db::Transaction& tx) {
      return database.engine() == db::Engine::postgres
                 ? tx.query("SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema()")
                 : tx.query("SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c"
                            " WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'");
    });
    std::set<std::string> out;
    for (std::size_t row = 0; row < rows.size(); ++row) out.insert(rows.at(row, 0).text());
    return out;
  }
};
SCORIA_EVERY_ENGINE(Schema);

TEST_P(Schema, is_the_same_on_every_engine_and_built_once) {
  const auto steps = static_cast<int>(migrations().size());
  EXPECT_EQ(db::migrate(database(), migrations()), steps);
  EXPECT_EQ(db::migrate(database(), migrations()), 0);
  EXPECT_EQ(db::schema_version(database()), steps);

  const auto reference = db::testing::make_fresh(db::testing::Kind::sqlite_memory, clock());
  db::migrate(reference->database(), migrations());
  EXPECT_EQ(columns(database()), columns(reference->database()));
  EXPECT_GT(columns(database()).size(), 20u);
}

TEST_P(Schema, is_the_same_when_upgraded_from_any_older_step) {
  for (std::size_t older = 1; older < migrations().size(); ++older) {
    const auto upgraded = db::testing::make_fresh(GetParam(), clock());
    db::migrate(upgraded->database(), migrations().first(older));
    db::migrate(upgraded->database(), migrations());
    const auto built = db::testing::make_fresh(GetParam(), clock());
    db::migrate(built->database(), migrations());
    EXPECT_EQ(columns(upgraded->database()), columns(built->database())) << "from " << older;
  }
}

}  // namespace
}  // namespace scoria::store
