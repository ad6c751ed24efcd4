#include "drivers/conformance/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/clock.h"
#include "drivers/conformance/bench.h"
#include "os/files.h"

namespace scoria::drivers::conformance {
namespace {

constexpr int failed_exit = 99;

pid_t start(const std::function<void()>& work) {
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) os::fail("start", "a child process");
  if (pid > 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(failed_exit);
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "child: %s\n", error.what());
    ::_exit(failed_exit);
  }
  ::_exit(0);
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return status;
}

}  // namespace

bool runs_into_kill(const std::function<void()>& work) {
  const pid_t pid = start(work);
  SystemClock clock;
  const Deadline limit = Deadline::in(clock, 60s);
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (limit.passed(clock)) {
      ::kill(pid, SIGKILL);
      wait_for(pid);
      throw CheckFailed("a call in a child process did not end within a minute");
    }
    clock.sleep(1ms);
  }
  expect(!WIFEXITED(status) || WEXITSTATUS(status) == 0, "a call in a child process ended with exit code {}", WEXITSTATUS(status));
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

std::vector<std::string> run_together(int count, const std::function<std::string(int)>& work) {
  int gate_ends[2];
  if (::pipe2(gate_ends, O_CLOEXEC) != 0) os::fail("make", "a pipe");
  const os::Fd gate(gate_ends[0]);
  os::Fd opener(gate_ends[1]);
  std::vector<os::Fd> answers;
  std::vector<pid_t> children;
  for (int i = 0; i < count; ++i) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) os::fail("make", "a pipe");
    answers.emplace_back(ends[0]);
    const os::Fd answer(ends[1]);
    children.push_back(start([&] {
      opener.reset();
      char letter = 0;
      if (::read(gate.get(), &letter, 1) != 0) ::_exit(failed_exit);  // its end: the parent opens the gate
      std::string text = "!";
      try {
        text = "=" + work(i);
      } catch (const std::exception& error) {
        text += error.what();
      }
      os::write_all(answer, text);
    }));
  }
  opener.reset();
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back(os::read_all(answers[static_cast<std::size_t>(i)]));
  for (const pid_t child : children) wait_for(child);
  for (std::string& text : out) {
    expect(text.starts_with('='), "a node of {}: {}", count, text.empty() ? "died" : text.substr(1));
    text.erase(0, 1);
  }
  return out;
}

Child::Child(const std::function<void(const std::function<void()>& reached)>& work, bool stays) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) os::fail("make", "a pipe");
  const os::Fd read(ends[0]);
  os::Fd write(ends[1]);
  pid_ = start([&] {
    const int out = write.release();
    work([out] {
      if (::write(out, "x", 1) != 1) ::_exit(failed_exit);
    });
    ::close(out);
    if (stays) ::pause();
  });
  write.reset();
  char letter = 0;
  reached_ = ::read(read.get(), &letter, 1) == 1;
}

Child::~Child() { kill(); }

void Child::pause() {
  ::kill(pid_, SIGSTOP);
  int status = 0;
  ::waitpid(pid_, &status, WUNTRACED);
}

bool Child::wait_stopped() {
  int status = 0;
  if (::waitpid(pid_, &status, WUNTRACED) != pid_ || WIFSTOPPED(status)) return true;
  pid_ = 0;
  expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a call in a child process ended with status {}", status);
  return false;
}

void Child::finish() {
  ::kill(pid_, SIGCONT);
  SystemClock clock;
  const Deadline limit = Deadline::in(clock, 60s);
  int status = 0;
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    expect(!limit.passed(clock), "a call that went on after a pause did not end within a minute");
    clock.sleep(1ms);
  }
  pid_ = 0;
  expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a call that went on after a pause ended its process (status {})", status);
}

void Child::kill() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  wait_for(std::exchange(pid_, 0));
}

}  // namespace scoria::drivers::conformance
