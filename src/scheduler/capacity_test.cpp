#include "scheduler/capacity.h"

#include <gtest/gtest.h>

namespace scoria::scheduler {
namespace {

PoolState pool(std::int64_t total_gib, std::int64_t free_gib, std::int64_t provisioned_gib, double ratio) {
  PoolState out;
  out.total = Capacity::of(from_gib(total_gib));
  out.free = Capacity::of(from_gib(free_gib));
  out.provisioned = from_gib(provisioned_gib);
  out.over_subscription = ratio;
  return out;
}

TEST(Capacity, thin_pools_promise_more_than_they_have) {
  const PoolState state = pool(100, 5, 150, 2);
  EXPECT_EQ(room_of(state, false).virtual_free, from_gib(50));
  EXPECT_FALSE(shortage(state, from_gib(50), false));
  EXPECT_TRUE(shortage(state, from_gib(51), false));
}

TEST(Capacity, nothing_is_promised_beyond_the_limit_of_the_pools_row) {
  PoolState state = pool(100, 100, 10, 20);
  state.allocated = from_gib(10);
  state.promise_limit = from_gib(50);
  EXPECT_FALSE(shortage(state, from_gib(40), false));
  EXPECT_EQ(shortage(state, from_gib(41), false)->reason, "41 GiB are needed, 40 GiB are left of 50 GiB that may be promised");
  state.free = {Capacity::Kind::unknown, {}};
  EXPECT_TRUE(shortage(state, from_gib(41), false));
  state.promise_limit = from_gib(5000);
  EXPECT_FALSE(shortage(state, from_gib(4990), false));
}

TEST(Capacity, thick_volumes_need_what_is_really_free) {
  const PoolState state = pool(100, 5, 50, 20);
  EXPECT_FALSE(shortage(state, from_gib(5), true));
  EXPECT_EQ(shortage(state, from_gib(6), true)->missing, from_gib(1));
  PoolState thick_only = state;
  thick_only.thin = false;
  EXPECT_TRUE(shortage(thick_only, from_gib(6), false));
}

TEST(Capacity, whole_gib_are_reserved_of_the_total) {
  PoolState state = pool(15, 15, 0, 1);
  state.reserved_percentage = 10;  // 1.5 GiB, of which 1 is kept
  EXPECT_EQ(room_of(state, false).reserved, from_gib(1));
  EXPECT_FALSE(shortage(state, from_gib(14), false));
  EXPECT_TRUE(shortage(state, from_gib(15), false));
}

TEST(Capacity, unknown_and_infinite_sizes_fit_unless_a_part_of_them_is_reserved) {
  PoolState state = pool(0, 0, 0, 1);
  state.free = {Capacity::Kind::infinite, {}};
  EXPECT_FALSE(shortage(state, from_gib(1000), false));
  state.free = {Capacity::Kind::unknown, {}};
  EXPECT_FALSE(shortage(state, from_gib(1000), false));
  state.free = Capacity::of(from_gib(1));
  state.total = {Capacity::Kind::unknown, {}};
  EXPECT_FALSE(shortage(state, from_gib(1000), false));
  state.reserved_percentage = 1;
  EXPECT_TRUE(shortage(state, from_gib(1), false));
}

TEST(Capacity, impossible_numbers_fit_nothing_but_what_is_there_already) {
  EXPECT_TRUE(shortage(pool(0, 1, 0, 1), from_gib(1), false));
  EXPECT_TRUE(shortage(pool(10, 10, 0, 0.5), from_gib(1), false));
  EXPECT_FALSE(shortage(pool(10, 0, 1000, 1), Bytes{0}, false));
}

TEST(Capacity, an_automatic_ratio_follows_what_is_really_used) {
  PoolState state = pool(100, 80, 60, 1);
  state.over_subscription = std::nullopt;
  EXPECT_DOUBLE_EQ(over_subscription_of(state), 1 + 60.0 / 21);
  state.provisioned = {};
  EXPECT_DOUBLE_EQ(over_subscription_of(state), 20);
}

TEST(Capacity, sizes_read_well) {
  EXPECT_EQ(in_gib(from_gib(3)), "3 GiB");
  EXPECT_EQ(in_gib({gib * 5 / 2}), "2.5 GiB");
  EXPECT_EQ(in_gib({0}), "0 GiB");
  EXPECT_EQ(in_gib({mib}), "1 MiB");
  EXPECT_EQ(in_gib({4096}), "4096 bytes");
}

}  // namespace
}  // namespace scoria::scheduler
