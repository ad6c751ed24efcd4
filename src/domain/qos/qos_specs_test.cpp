#include "domain/qos/qos_specs.h"

#include <gtest/gtest.h>

namespace scoria {
namespace {

TEST(QosSpecs, limits_per_gib_follow_the_size_between_their_bounds) {
  const Specs specs = {{"total_iops_sec_per_gb", "30"}, {"total_iops_sec_per_gb_min", "100"}, {"total_iops_sec_max", "600"}, {"size_iops_sec", "4096"}};
  EXPECT_EQ(resolve_for(specs, 1), (Specs{{"total_iops_sec", "100"}, {"size_iops_sec", "4096"}}));
  EXPECT_EQ(resolve_for(specs, 10), (Specs{{"total_iops_sec", "300"}, {"size_iops_sec", "4096"}}));
  EXPECT_EQ(resolve_for(specs, 100), (Specs{{"total_iops_sec", "600"}, {"size_iops_sec", "4096"}}));
}

TEST(QosSpecs, fixed_limits_and_unknown_words_stay_as_they_are) {
  const Specs specs = {{"read_bytes_sec", "1048576"}, {"read_bytes_sec_max", "2097152"}, {"vendor:tier", "gold"}};
  EXPECT_EQ(resolve_for(specs, 7), specs);
}

TEST(QosSpecs, bounds_of_nothing_are_none) {
  const auto resolved = [](const char* most, std::int64_t gib) { return resolve_for({{"read_iops_sec_per_gb", "3"}, {"read_iops_sec_max", most}}, gib); };
  EXPECT_EQ(resolved("0", 5), (Specs{{"read_iops_sec", "15"}}));
  EXPECT_EQ(resolved("1", 5), (Specs{{"read_iops_sec", "1"}}));
  EXPECT_EQ(resolved("100", 0), (Specs{{"read_iops_sec", "0"}}));
  EXPECT_EQ(resolve_for({{"read_iops_sec_per_gb", "many"}}, 5), (Specs{{"read_iops_sec", "0"}}));
  EXPECT_EQ(resolve_for({{"read_iops_sec_per_gb", "9223372036854775807"}}, 1), (Specs{{"read_iops_sec", "9223372036854775807"}}));
  EXPECT_EQ(resolve_for({{"read_iops_sec_per_gb_min", "7"}}, 1), (Specs{})) << "a least of what is not limited";
  EXPECT_EQ(limit_of({{"a", "1"}}, "a"), 1);
}

TEST(QosSpecs, what_is_no_positive_number_limits_nothing) {
  const Specs specs = {{"a", "5"}, {"b", "-5"}, {"c", "many"}, {"d", "5x"}, {"e", "99999999999999999999"}};
  EXPECT_EQ(limit_of(specs, "a"), 5);
  for (const char* name : {"b", "c", "d", "e", "f"}) EXPECT_EQ(limit_of(specs, name), 0) << name;
  EXPECT_EQ(limit_of(resolve_for({{"write_iops_sec_per_gb", "9223372036854775807"}}, 1000), "write_iops_sec"), 9223372036854775000) << "no overflow";
}

}  // namespace
}  // namespace scoria
