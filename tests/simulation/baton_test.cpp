#include "simulation/baton.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/queue.h"

namespace scoria::simulation {
namespace {

/// A small world: producers, consumers, pauses and a kill. Returns the hash of its trace.
std::uint64_t small_world(std::uint64_t seed) {
  Baton baton({.seed = seed});
  SimClock clock(baton);
  Process& node = baton.start("node", [&] {
    BoundedQueue<int> queue(clock, 4);
    clock.spawn("producer", [&] {
      for (int i = 0; i < 50; ++i)
        while (!queue.try_push(i)) clock.sleep(1ms);
      queue.close();
    });
    for (int worker = 0; worker < 3; ++worker)
      clock.spawn("worker", [&] {
        while (const auto item = queue.pop()) clock.sleep(Duration{*item * 100});
      });
    while (true) clock.sleep(1s);
  });
  baton.start("chaos", [&] {
    clock.sleep(5ms);
    baton.pause(node, 1s);
    clock.sleep(5s);
    baton.kill(node);
  });
  baton.run();
  EXPECT_TRUE(baton.faults().empty());
  return baton.hash();
}

TEST(Baton, time_jumps_when_nobody_can_run) {
  Baton baton({});
  SimClock clock(baton);
  Instant start{}, end{};
  baton.start("node", [&] {
    start = clock.now();
    clock.sleep(24h);
    end = clock.now();
  });
  baton.run();
  EXPECT_GE(end - start, Duration{24h});
  EXPECT_LT(end - start, Duration{24h} + Duration{1s});
}

TEST(Baton, a_raise_wakes_one_waiting_thread) {
  Baton baton({});
  SimClock clock(baton);
  int woken = 0, timed_out = 0;
  baton.start("node", [&] {
    Signal signal;
    for (int i = 0; i < 3; ++i) clock.spawn("waiter", [&] { ++(clock.wait(signal, 10s) ? woken : timed_out); });
    clock.sleep(1s);
    signal.raise();
    clock.sleep(20s);
  });
  baton.run();
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(timed_out, 2);
}

TEST(Baton, exactly_one_thread_runs_and_all_interleavings_come_up) {
  std::set<std::string> orders;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Baton baton({.seed = seed});
    std::string order;  // no lock: only the holder of the baton touches it
    for (const char* name : {"a", "b", "c"})
      baton.start(name, [&baton, &order, name] {
        for (int i = 0; i < 2; ++i) {
          order += name;
          baton.point("step");
        }
      });
    baton.run();
    EXPECT_EQ(order.size(), 6U);
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 15U);
}

TEST(Baton, a_kill_unwinds_every_thread_and_the_first_one_last) {
  Baton baton({});
  SimClock clock(baton);
  std::string ended;
  struct Leaver {
    std::string& out;
    char mark;
    ~Leaver() { out += mark; }
  };
  Process& node = baton.start("node", [&] {
    const Leaver main{ended, 'm'};
    clock.spawn("one", [&] { const Leaver here{ended, '1'}; while (true) clock.sleep(1s); });
    clock.spawn("two", [&] { const Leaver here{ended, '2'}; while (true) baton.point("busy"); });
    while (true) clock.sleep(1s);
  });
  baton.start("chaos", [&] {
    clock.sleep(10ms);
    baton.kill(node);
    while (!node.over()) clock.sleep(1ms);
  });
  baton.run();
  ASSERT_EQ(ended.size(), 3U);
  EXPECT_EQ(ended.back(), 'm');
  EXPECT_TRUE(baton.faults().empty());
}

TEST(Baton, a_kill_passes_every_catch_for_standard_exceptions) {
  Baton baton({});
  SimClock clock(baton);
  bool caught = false;
  baton.start("node", [&] {
    try {
      baton.kill(baton.current());
    } catch (const std::exception&) {
      caught = true;
    }
  });
  baton.run();
  EXPECT_FALSE(caught);
}

TEST(Baton, a_paused_process_does_nothing_while_others_go_on) {
  Baton baton({});
  SimClock clock(baton);
  int beats = 0, others = 0;
  Process& node = baton.start("node", [&] { for (; beats < 100; ++beats) clock.sleep(100ms); });
  baton.start("chaos", [&] {
    clock.sleep(1s);
    baton.pause(node, 5s);
    const int before = beats;
    for (; others < 40; ++others) clock.sleep(100ms);
    EXPECT_EQ(beats, before);
  });
  baton.run();
  EXPECT_EQ(beats, 100);
}

TEST(Baton, a_failpoint_is_a_place_for_decisions) {
  Baton baton({});
  int hits = 0;
  baton.on_failpoint([&](const failpoint::Site& site) {
    if (std::string_view(site.name) == "baton.test" && ++hits == 2) throw failpoint::Injected(site.name, "told to", false);
  });
  bool injected = false;
  baton.start("node", [&] {
    for (int i = 0; i < 2; ++i) {
      try {
        FAILPOINT("baton.test");
      } catch (const failpoint::Injected&) {
        injected = true;
      }
    }
  });
  baton.run();
  EXPECT_EQ(hits, 2);
  EXPECT_TRUE(injected);
}

TEST(Baton, an_exception_that_leaves_a_thread_is_reported) {
  Baton baton({});
  baton.start("node", [&] { throw std::runtime_error("forgotten"); });
  baton.run();
  ASSERT_EQ(baton.faults().size(), 1U);
  EXPECT_NE(baton.faults()[0].find("forgotten"), std::string::npos);
}

TEST(Baton, the_same_seed_gives_the_same_trace_in_two_processes) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const std::uint64_t hash = small_world(seed);
      ::_exit(::write(ends[1], &hash, sizeof hash) == sizeof hash ? 0 : 1);
    }
    std::uint64_t theirs = 0;
    ASSERT_EQ(::read(ends[0], &theirs, sizeof theirs), static_cast<ssize_t>(sizeof theirs));
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    ::close(ends[1]);
    EXPECT_EQ(small_world(seed), theirs) << "seed " << seed;
  }
  EXPECT_NE(small_world(1), small_world(2));
}

TEST(Baton, a_switch_costs_microseconds) {
  Baton baton({.stickiness = 0});
  for (int i = 0; i < 4; ++i)
    baton.start("node", [&] {
      for (int step = 0; step < 5'000; ++step) baton.point("step");
    });
  const auto begun = SystemClock{}.now();
  baton.run();
  const double micros = static_cast<double>((SystemClock{}.now() - begun).count()) / static_cast<double>(baton.switches());
  RecordProperty("micros_per_switch", std::to_string(micros));
  std::printf("%.1f us per switch, %llu switches\n", micros, static_cast<unsigned long long>(baton.switches()));
  EXPECT_LT(micros, 500);
}

}  // namespace
}  // namespace scoria::simulation
