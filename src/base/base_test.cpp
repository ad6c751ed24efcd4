#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/queue.h"
#include "base/random.h"
#include "base/time.h"

namespace scoria {
namespace {

TEST(Time, reads_back_what_it_writes) {
  const Timestamp moment{1'769'862'896'123'456};
  Timestamp read;
  ASSERT_TRUE(parse_time(to_iso(moment), read));
  EXPECT_EQ(read, moment);
  EXPECT_EQ(to_iso(moment), "2026-01-31T12:34:56.123456");
  ASSERT_TRUE(parse_time("2026-01-31T14:34:56.123456+02:00", read));
  EXPECT_EQ(read, moment);
  EXPECT_FALSE(parse_time("yesterday", read));
  EXPECT_FALSE(parse_time("2026-02-30", read));
}

TEST(Random, uuids_are_version_four_and_differ) {
  SeededRandom random(7);
  const std::string first = random.uuid();
  EXPECT_TRUE(is_uuid(first));
  EXPECT_EQ(first[14], '4');
  EXPECT_NE(first, random.uuid());
  EXPECT_EQ(SeededRandom(7).uuid(), first);
  EXPECT_FALSE(is_uuid("not-a-uuid"));
}

TEST(Bytes, gib_are_rounded_up_at_the_door) {
  EXPECT_EQ(to_gib_up({gib + 1}), 2);
  EXPECT_EQ(round_up({10 * gib}, {8 * gib}), from_gib(16));
}

TEST(Queue, refuses_when_full_and_drains_when_closed) {
  SystemClock clock;
  BoundedQueue<int> queue(clock, 2);
  EXPECT_TRUE(queue.try_push(1));
  EXPECT_TRUE(queue.try_push(2));
  EXPECT_FALSE(queue.try_push(3));
  queue.close();
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), 2);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

/// Counts who begins to wait.
class CountingClock final : public Clock {
 public:
  Instant now() const override { return real_.now(); }
  void sleep(Duration time) override { real_.sleep(time); }
  bool wait(Signal& signal, Duration timeout) override {
    ++waits;
    return wait_really(signal, timeout);
  }
  void spawn(std::string name, std::function<void()> main) override { real_.spawn(std::move(name), std::move(main)); }
  void until_waits_are(int wanted) {
    while (waits < wanted) sleep(1ms);
  }
  std::atomic<int> waits{0};

 private:
  SystemClock real_;
};

TEST(Queue, wakes_whoever_has_waited_least) {
  SystemClock clock;
  CountingClock counting;
  BoundedQueue<int> queue(counting, 8), taken(clock, 8);
  int waits = 0;
  for (int number = 1; number <= 3; ++number) {
    clock.spawn("worker", [&, number] {
      while (queue.pop()) taken.try_push(number);
    });
    counting.until_waits_are(++waits);
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(queue.try_push(i));
    EXPECT_EQ(taken.pop(), 3) << "again and again";
    counting.until_waits_are(++waits);
  }
  queue.close();
  clock.join_all();
}

TEST(Queue, loses_nothing_between_many_threads) {
  SystemClock clock;
  BoundedQueue<int> queue(clock, 1000);
  std::atomic<int> sum{0}, given{0};
  for (int i = 0; i < 4; ++i)
    clock.spawn("taker", [&] {
      while (const auto one = queue.pop()) sum += *one;
    });
  for (int i = 0; i < 4; ++i)
    clock.spawn("giver", [&] {
      for (int n = 0; n < 2000; ++n)
        while (!queue.try_push(1)) clock.sleep(100us);
      if (++given == 4) queue.close();
    });
  clock.join_all();
  EXPECT_EQ(sum, 8000);
}

void reach_site() { FAILPOINT("test.base.site"); }

TEST(Signal, remembers_one_raise_and_a_wait_takes_it_back) {
  SystemClock clock;
  Signal signal;
  EXPECT_FALSE(clock.wait(signal, 1ms));
  signal.raise();
  signal.raise();
  EXPECT_TRUE(clock.wait(signal, 0ms));
  EXPECT_FALSE(clock.wait(signal, 1ms));
}

TEST(Signal, each_raise_wakes_one_of_those_who_wait) {
  SystemClock clock;
  Signal wake, woken;
  std::atomic<int> count{0};
  for (int i = 0; i < 4; ++i)
    clock.spawn("waiter", [&] {
      if (clock.wait(wake, 60s)) ++count;
      woken.raise();
    });
  for (int i = 1; i <= 4; ++i) {
    wake.raise();
    while (count < i) clock.wait(woken, 60s);
    EXPECT_EQ(count, i);
  }
  clock.join_all();
}

TEST(Signal, who_has_waited_may_destroy_it_at_once) {
  SystemClock clock;
  for (int i = 0; i < 500; ++i) {
    auto signal = std::make_unique<Signal>();
    clock.spawn("raiser", [&raised = *signal] { raised.raise(); });
    EXPECT_TRUE(clock.wait(*signal, 60s));
    signal.reset();
    clock.join_all();
  }
}

TEST(Failpoint, acts_as_often_as_told_and_lists_its_sites) {
  failpoint::arm("test.base.site", "1*off->1*return(broken)->1*drop_reply");
  EXPECT_NO_THROW(reach_site());
  EXPECT_THROW(reach_site(), failpoint::Injected);
  EXPECT_THROW(reach_site(), failpoint::Injected);
  EXPECT_NO_THROW(reach_site());
  EXPECT_EQ(failpoint::hits("test.base.site"), 4u);
  failpoint::disarm_all();
  EXPECT_NO_THROW(reach_site());
  EXPECT_EQ(failpoint::sites().size(), 1u);
  failpoint::arm("test.base.site", "off");
  const auto armed = std::count_if(failpoint::sites().begin(), failpoint::sites().end(), [](const failpoint::Site* site) { return site->armed != 0; });
  EXPECT_EQ(armed, 0) << "off alone disarms";
  EXPECT_THROW(failpoint::arm("no.such.site", "kill"), std::invalid_argument);
  EXPECT_THROW(failpoint::arm("test.base.site", "explode"), std::invalid_argument);
}

TEST(Failpoint, a_delay_lies_between_its_limits) {
  failpoint::arm("test.base.site", "delay(20,40)");
  const SystemClock clock;
  const Instant before = clock.now();
  reach_site();
  failpoint::disarm_all();
  EXPECT_GE(clock.now() - before, std::chrono::milliseconds{20});
}

}  // namespace
}  // namespace scoria
