#include "base/text.h"

#include <gtest/gtest.h>

#include "base/clock.h"

namespace scoria {
namespace {

TEST(Text, the_nearest_name_is_found_and_far_ones_are_not) {
  const std::vector<std::string_view> names{"volume:get", "volume:get_all", "volume:delete"};
  EXPECT_EQ(nearest("volume:gte", names), "volume:get");
  EXPECT_EQ(nearest("volume:delte", names), "volume:delete");
  EXPECT_EQ(nearest("backup", names), "");
  EXPECT_EQ(nearest("", names), "");
}

TEST(Text, splits_trims_and_lowers) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string_view>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), std::vector<std::string_view>{""});
  EXPECT_EQ(trimmed(" \t a b \r\n"), "a b");
  EXPECT_EQ(trimmed("  "), "");
  EXPECT_EQ(lower_case("Admin-Ä"), "admin-Ä");
  EXPECT_EQ(to_hex(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
}

TEST(Clock, the_wall_is_this_century_and_moves_forward) {
  SystemClock clock;
  const Timestamp first = clock.wall();
  EXPECT_GT(first.micros, 1'600'000'000'000'000);
  EXPECT_GE(clock.wall(), first);
}

TEST(Text, parts_are_joined_by_a_separator) {
  EXPECT_EQ(join(std::vector<std::string>{"a", "", "b"}, ", "), "a, , b");
  EXPECT_EQ(join(std::vector<std::string>{}, ","), "");
}

}  // namespace
}  // namespace scoria
