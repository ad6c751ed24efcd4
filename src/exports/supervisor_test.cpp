#include "exports/supervisor.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace scoria::exports {
namespace {

class Watching : public ::testing::Test {
 protected:
  Watching() { supervisor.start(); }
  ~Watching() override { supervisor.stop(); }
  os::Process sleeper() { return os::start_daemon({.arguments = {"sleep", "60"}}, ""); }
  bool happened() { return clock.wait(signal, 5s); }

  SystemClock clock;
  Signal signal;
  Supervisor supervisor{clock};
};

TEST_F(Watching, the_end_of_a_process_is_told_once) {
  const os::Process process = sleeper();
  std::atomic<int> told{0};
  supervisor.watch("a", process, [&] {
    ++told;
    signal.raise();
  });
  EXPECT_TRUE(supervisor.watches("a"));
  os::send_signal(process, SIGKILL);
  EXPECT_TRUE(happened());
  EXPECT_FALSE(supervisor.watches("a"));
  EXPECT_EQ(told, 1);
}

TEST_F(Watching, one_that_is_gone_already_is_told_at_once) {
  const os::Process process = sleeper();
  os::send_signal(process, SIGKILL);
  ASSERT_TRUE(os::wait_gone(clock, process, Deadline::in(clock, 5s)));
  supervisor.watch("a", process, [&] { signal.raise(); });
  EXPECT_TRUE(happened());
}

TEST_F(Watching, what_is_forgotten_is_not_told) {
  const os::Process forgotten = sleeper(), kept = sleeper();
  std::atomic<bool> wrong{false};
  supervisor.watch("a", forgotten, [&] { wrong = true; });
  supervisor.watch("b", kept, [&] { signal.raise(); });
  supervisor.forget("a");
  os::send_signal(forgotten, SIGKILL);
  os::send_signal(kept, SIGKILL);
  EXPECT_TRUE(happened());
  EXPECT_FALSE(wrong);
}

TEST_F(Watching, a_failing_reaction_does_not_stop_the_next) {
  supervisor.react([] { throw std::runtime_error("planted"); });
  supervisor.react([&] { signal.raise(); });
  EXPECT_TRUE(happened());
}

}  // namespace
}  // namespace scoria::exports
