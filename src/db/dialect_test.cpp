#include "db/dialect.h"

#include <gtest/gtest.h>

namespace scoria::db {
namespace {

TEST(Dialect, placeholders_are_numbered_outside_quotes_and_comments) {
  constexpr std::string_view sql = "SELECT '?', \"a?\", ? -- why?\n FROM t /* ? */ WHERE a = '{no}''?' AND b = ?";
  EXPECT_EQ(translate(Engine::postgres, sql), "SELECT '?', \"a?\", $1 \n FROM t /* ? */ WHERE a = '{no}''?' AND b = $2");
  EXPECT_EQ(translate(Engine::sqlite, sql), "SELECT '?', \"a?\", ? \n FROM t /* ? */ WHERE a = '{no}''?' AND b = ?");
}

TEST(Dialect, fragments_keep_the_order_of_parameters) {
  constexpr std::string_view sql = "SELECT ? WHERE {contains:v.name:?} AND {json_text:v.metadata:?} = ?{skip_locked}";
  EXPECT_EQ(translate(Engine::postgres, sql),
            "SELECT $1 WHERE (strpos(v.name, $2) > 0) AND (v.metadata::jsonb ->> $3) = $4 FOR UPDATE SKIP LOCKED");
  EXPECT_EQ(translate(Engine::sqlite, sql),
            "SELECT ? WHERE (instr(v.name, ?) > 0) AND (SELECT CAST(value AS TEXT) FROM json_each(v.metadata) WHERE key = ?) = ?");
}

TEST(DialectDeathTest, unknown_fragments_and_open_quotes_are_bugs) {
  EXPECT_DEATH(translate(Engine::sqlite, "SELECT {skip_lock}"), "unknown fragment");
  EXPECT_DEATH(translate(Engine::sqlite, "SELECT 'a"), "open quote");
  EXPECT_DEATH(translate(Engine::sqlite, "SELECT {in:a}"), "without its argument");
}

}  // namespace
}  // namespace scoria::db
