#include "os/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/files.h"

namespace scoria::os {
namespace {

SystemClock clock_;

Finished shell(const std::string& script, Duration limit = 20s) { return run(clock_, {.arguments = {"sh", "-c", script}}, Deadline::in(clock_, limit)); }

TEST(Process, both_streams_and_the_exit_code_come_back) {
  const Finished out = shell("echo out; echo err >&2; exit 7");
  EXPECT_EQ(out.exit_code, 7);
  EXPECT_EQ(out.output, "out\n");
  EXPECT_EQ(out.errors, "err\n");
}

TEST(Process, arguments_are_no_shell_text) {
  EXPECT_EQ(run(clock_, {.arguments = {"printf", "%s|", "a b", "$HOME", "'"}}, Deadline::in(clock_, 20s)).output, "a b|$HOME|'|");
}

TEST(Process, input_larger_than_a_pipe_passes_through) {
  const std::string input(1 << 20, 'x');
  const Finished out = run(clock_, {.arguments = {"cat"}, .input = input, .output_limit = 2 << 20}, Deadline::in(clock_, 20s));
  EXPECT_EQ(out.output, input);
  EXPECT_FALSE(out.truncated);
}

TEST(Process, a_program_that_reads_nothing_does_not_end_us) {
  EXPECT_TRUE(run(clock_, {.arguments = {"true"}, .input = std::string(1 << 22, 'x')}, Deadline::in(clock_, 20s)).ok());
}

TEST(Process, output_beyond_the_limit_is_read_but_not_kept) {
  const Finished out = run(clock_, {.arguments = {"head", "-c", "3000000", "/dev/zero"}, .output_limit = 1000}, Deadline::in(clock_, 20s));
  EXPECT_TRUE(out.ok());
  EXPECT_TRUE(out.truncated);
  EXPECT_EQ(out.output.size(), 1000u);
}

TEST(Process, the_deadline_kills_the_whole_group) {
  const Finished out = shell("sleep 60 & echo $!; sleep 60", 300ms);
  EXPECT_TRUE(out.timed_out);
  EXPECT_EQ(out.signal, SIGKILL);
  const pid_t grandchild = std::stoi(out.output);
  EXPECT_TRUE(wait_gone(clock_, {.pid = grandchild, .started = process_of(grandchild).value_or(Process{}).started}, Deadline::in(clock_, 5s)));
}

TEST(Process, stop_ends_it) {
  const Finished out = run(clock_, {.arguments = {"sleep", "60"}, .stop = [] { return true; }}, Deadline::in(clock_, 20s));
  EXPECT_TRUE(out.stopped);
}

TEST(Process, a_program_that_is_not_there_throws) {
  EXPECT_THROW(run(clock_, {.arguments = {"no-such-program-at-all"}}, Deadline::in(clock_, 20s)), std::system_error);
  EXPECT_THROW(run(clock_, {.arguments = {"/etc/passwd"}}, Deadline::in(clock_, 20s)), std::system_error);
}

TEST(Process, no_descriptor_leaks_and_the_passed_one_arrives) {
  const Fd leak(::open("/dev/null", O_RDONLY));  // without close-on-exec, on purpose
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd read(ends[0]), write(ends[1]);
  const Finished out = run(clock_, {.arguments = {"sh", "-c", "echo hello >&5; ls /proc/self/fd"}, .descriptors = {{.ours = write.get(), .theirs = 5}}},
                           Deadline::in(clock_, 20s));
  char text[16] = {};
  EXPECT_EQ(::read(read.get(), text, sizeof text), 6);
  EXPECT_EQ(out.output, "0\n1\n2\n3\n5\n");  // 3 is the directory that ls reads
}

TEST(Process, a_tool_dies_with_the_process_that_ran_it) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd read(ends[0]);
  const pid_t middle = ::fork();
  if (middle == 0) {
    run(clock_, {.arguments = {"sh", "-c", "echo $$ >&9; exec sleep 60"}, .descriptors = {{.ours = ends[1], .theirs = 9}}}, Deadline::in(clock_, 60s));
    ::_exit(0);
  }
  ::close(ends[1]);
  char text[32] = {};
  ASSERT_GT(::read(read.get(), text, sizeof text - 1), 0);
  const std::optional<Process> tool = process_of(std::atoi(text));
  ASSERT_TRUE(tool);
  ::kill(middle, SIGKILL);
  ::waitpid(middle, nullptr, 0);
  EXPECT_TRUE(wait_gone(clock_, *tool, Deadline::in(clock_, 5s)));
}

TEST(Process, a_daemon_is_told_apart_signalled_and_seen_to_go) {
  const Process daemon = start_daemon({.arguments = {"sleep", "60"}}, "");
  EXPECT_TRUE(alive(daemon));
  EXPECT_FALSE(alive({.pid = daemon.pid, .started = daemon.started + 1}));
  EXPECT_FALSE(send_signal({.pid = daemon.pid, .started = daemon.started + 1}, SIGKILL));
  EXPECT_TRUE(alive(daemon));
  EXPECT_FALSE(wait_gone(clock_, daemon, Deadline::in(clock_, 50ms)));
  EXPECT_TRUE(send_signal(daemon, SIGKILL));
  EXPECT_TRUE(wait_gone(clock_, daemon, Deadline::in(clock_, 5s)));
  EXPECT_FALSE(send_signal(daemon, SIGKILL));
}

}  // namespace
}  // namespace scoria::os
