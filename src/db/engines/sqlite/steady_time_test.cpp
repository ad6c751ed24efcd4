#include "db/engines/sqlite/steady_time.h"

#include <gtest/gtest.h>

namespace scoria::db::sqlite {
namespace {

class TwoHands final : public Clock {
 public:
  Instant now() const override { return {monotonic}; }
  Timestamp wall() const override { return {shown.count()}; }
  void sleep(Duration) override {}
  bool wait(Signal&, Duration) override { return false; }
  void spawn(std::string, std::function<void()>) override {}
  void pass(Duration time) { monotonic += time, shown += time; }

  Duration monotonic = std::chrono::hours{5}, shown = std::chrono::hours{500'000};
};

class Steady : public ::testing::Test {
 protected:
  Duration told() { return Duration{time_.now().micros}; }
  TwoHands clock_;
  SteadyTime time_{clock_};
};

TEST_F(Steady, goes_with_a_wall_clock_that_does_not_jump) {
  for (int i = 0; i < 1000; ++i) {
    clock_.pass(std::chrono::microseconds{i * 37});
    ASSERT_EQ(told(), clock_.shown);
  }
}

TEST_F(Steady, does_not_go_back_with_the_wall_clock) {
  Duration before = told();
  clock_.shown -= std::chrono::minutes{1};
  for (int i = 0; i < 10'000; ++i) {
    clock_.pass(std::chrono::milliseconds{i % 3 == 0 ? 1 : 200});
    const Duration now = told();
    ASSERT_GT(now, before);
    before = now;
  }
  EXPECT_EQ(before, clock_.shown) << "a minute is made good in twenty";
}

TEST_F(Steady, an_hour_ahead_ends_nothing_at_once) {
  const Duration before = told();
  clock_.shown += std::chrono::hours{1};
  clock_.pass(std::chrono::seconds{20});
  EXPECT_EQ(told() - before, std::chrono::seconds{21});
}

}  // namespace
}  // namespace scoria::db::sqlite
