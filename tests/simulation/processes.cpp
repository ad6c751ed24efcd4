#include "simulation/processes.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "simulation/baton.h"

extern "C" void __gcov_dump() __attribute__((weak));

namespace scoria::simulation {
namespace {

/// Ends a forked process as ::_exit does; in a build that measures coverage, what was reached is kept.
[[noreturn]] void leave(int status) {
  std::fflush(stdout);
  if (__gcov_dump != nullptr) __gcov_dump();
  ::_exit(status);
}

int exit_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : aborted; }

pid_t start(const std::function<int()>& work) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) leave(work());
  return child;
}

}  // namespace

int apart(const std::function<int()>& work) {
  const pid_t child = start(work);
  if (child < 0) return 2;
  int status = 0;
  ::waitpid(child, &status, 0);
  return exit_status(status);
}

Pipe::Pipe() {
  if (::pipe(ends_) != 0) std::abort();
}

Pipe::~Pipe() {
  for (const int end : ends_)
    if (end >= 0) ::close(end);
}

void Pipe::close_telling_end() {
  ::close(ends_[1]);
  ends_[1] = -1;
}

void Pipe::tell(const void* value, std::size_t size) const {
  if (::write(ends_[1], value, size) != static_cast<ssize_t>(size)) std::abort();
}

bool Pipe::hear(void* value, std::size_t size) const { return ::read(ends_[0], value, size) == static_cast<ssize_t>(size); }

pid_t start_job(int job, const std::function<int()>& work) {
  return start([&] {
    pin_to_processor(job);
    return work();
  });
}

int wait_for_jobs(int jobs) {
  int worst = 0;
  for (int job = 0, status = 0; job < jobs; ++job) {
    ::wait(&status);
    worst = std::max(worst, exit_status(status));
  }
  return worst;
}

double processor_seconds() {
  double out = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    ::getrusage(who, &used);
    out += static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  }
  return out;
}

}  // namespace scoria::simulation
