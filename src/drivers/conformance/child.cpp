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
#include "os/fd.h"

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

Child::Child(const std::function<void(const std::function<void()>& reached)>& work) {
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
    ::pause();
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

void Child::kill() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  wait_for(std::exchange(pid_, 0));
}

}  // namespace scoria::drivers::conformance
