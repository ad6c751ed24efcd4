#include "os/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "os/files.h"

namespace scoria::os {
namespace {

struct Pipe {
  Fd read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("make", "a pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

Pipe make_sockets() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) fail("make", "a pair of sockets");
  return {Fd(ends[0]), Fd(ends[1])};
}

void make_nonblocking(const Fd& fd) {
  if (::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK) != 0) fail("prepare", "a pipe");
}

/// Everything the child needs, made before the fork: between fork and exec only system calls are allowed.
struct Plan {
  std::string program;
  std::vector<char*> arguments;
  std::vector<std::string> environment_text;
  std::vector<char*> environment;
  std::vector<Passed> descriptors;
  std::array<int, 3> standard{-1, -1, -1};
  int report = -1;      // errno goes here when exec fails
  pid_t parent = 0;
  bool dies_with_us = false;
  bool own_session = false;
};

Plan plan_of(const Command& command) {
  Plan plan;
  if (command.arguments.empty()) fail(EINVAL, "start", "a program without a name");
  std::optional<std::string> program = find_program(command.arguments.front());
  if (!program) fail(ENOENT, "find the program", command.arguments.front());
  plan.program = std::move(*program);
  for (const std::string& argument : command.arguments) plan.arguments.push_back(const_cast<char*>(argument.c_str()));
  plan.arguments.push_back(nullptr);
  plan.environment_text = command.environment;
  for (const char* name : {"PATH", "HOME"})
    if (const char* value = ::getenv(name)) plan.environment_text.push_back(std::string(name) + "=" + value);
  plan.environment_text.emplace_back("LANG=C.UTF-8");
  for (std::string& text : plan.environment_text) plan.environment.push_back(text.data());
  plan.environment.push_back(nullptr);
  plan.descriptors = command.descriptors;
  plan.parent = ::getpid();
  return plan;
}

[[noreturn]] void child_failed(int report) {
  const int error = errno;
  [[maybe_unused]] const ssize_t ignored = ::write(report, &error, sizeof error);
  ::_exit(127);
}

/// Moves a descriptor out of the way of the numbers that are about to be given out.
int lifted(int fd, int above) { return ::fcntl(fd, F_DUPFD_CLOEXEC, above); }

[[noreturn]] void become(Plan& plan) {
  // PDEATHSIG is tied to the thread that forked: run() stays in that thread until the child is gone.
  if (plan.own_session && ::setsid() < 0) child_failed(plan.report);
  if (plan.own_session) ::umask(077);  // what a daemon makes (control sockets) is its owner's
  if (!plan.own_session && ::setpgid(0, 0) != 0) child_failed(plan.report);
  if (plan.dies_with_us) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) child_failed(plan.report);
    if (::getppid() != plan.parent) ::_exit(127);  // it died before we asked
  }
  constexpr int above = 1000;
  if ((plan.report = lifted(plan.report, above)) < 0) ::_exit(127);
  for (int& fd : plan.standard)
    if ((fd = lifted(fd, above)) < 0) child_failed(plan.report);
  for (Passed& passed : plan.descriptors)
    if ((passed.ours = lifted(passed.ours, above)) < 0) child_failed(plan.report);
  for (int i = 0; i < 3; ++i)
    if (::dup2(plan.standard[static_cast<std::size_t>(i)], i) < 0) child_failed(plan.report);
  // Libraries may have opened something without close-on-exec.
  ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  for (const Passed& passed : plan.descriptors)
    if (::dup2(passed.ours, passed.theirs) < 0) child_failed(plan.report);
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 32; ++signal) ::sigaction(signal, &by_default, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(plan.program.c_str(), plan.arguments.data(), plan.environment.data());
  child_failed(plan.report);
}

pid_t start(Plan& plan) {
  Pipe report = make_pipe();
  plan.report = report.write.get();
  const pid_t pid = ::fork();
  if (pid < 0) fail("start", plan.program);
  if (pid == 0) become(plan);
  report.write.reset();
  int error = 0;
  ssize_t got = ::read(report.read.get(), &error, sizeof error);
  while (got < 0 && errno == EINTR) got = ::read(report.read.get(), &error, sizeof error);
  if (got == 0) return pid;
  ::waitpid(pid, nullptr, 0);
  fail(got == sizeof error ? error : EIO, "start", plan.program);
}

/// One running tool: its pipes and its end.
class Running {
 public:
  Running(const Clock& clock, const Command& command, Deadline deadline) : clock_(clock), command_(command), deadline_(deadline) {
    // A socket for its input: writing to a program that has closed it is an error then, not a SIGPIPE.
    Pipe input = make_sockets(), output = make_pipe(), errors = make_pipe();
    Plan plan = plan_of(command);
    plan.dies_with_us = true;
    plan.standard = {input.read.get(), output.write.get(), errors.write.get()};
    pid_ = start(plan);
    input_ = std::move(input.write);
    output_ = std::move(output.read);
    errors_ = std::move(errors.read);
    for (const Fd* fd : {&input_, &output_, &errors_}) make_nonblocking(*fd);
    watch_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0U)));
    if (!watch_) {
      end_group();
      fail("watch", plan.program);
    }
  }

  Finished finish() {
    if (command_.input.empty()) input_.reset();
    bool ended = false;
    while (!ended) {
      if (command_.stop && command_.stop()) finished_.stopped = true;
      if (deadline_.passed(clock_)) finished_.timed_out = true;
      if (finished_.stopped || finished_.timed_out) break;
      ended = turn();
    }
    reap(ended);
    drain(output_, finished_.output);
    drain(errors_, finished_.errors);
    return std::move(finished_);
  }

 private:
  /// Waits for one event and handles it; true when the program has ended.
  bool turn() {
    std::array<pollfd, 4> events{{{watch_.get(), POLLIN, 0}, {output_.get(), POLLIN, 0}, {errors_.get(), POLLIN, 0}, {input_.get(), POLLOUT, 0}}};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_.left(clock_)).count() + 1;
    const int wait = static_cast<int>(std::min<std::int64_t>(left, command_.stop ? 100 : 60'000));
    if (::poll(events.data(), events.size(), wait) < 0 && errno != EINTR) fail("wait for", command_.arguments.front());
    if (events[1].revents != 0) drain(output_, finished_.output);
    if (events[2].revents != 0) drain(errors_, finished_.errors);
    if (events[3].revents != 0) feed();
    return events[0].revents != 0;
  }

  void drain(Fd& fd, std::string& into) {
    char buffer[65536];
    while (fd) {
      const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return fd.reset();
      const std::size_t room = command_.output_limit - std::min(command_.output_limit, into.size());
      into.append(buffer, std::min(room, static_cast<std::size_t>(got)));
      if (static_cast<std::size_t>(got) > room) finished_.truncated = true;
    }
  }

  void feed() {
    const std::string_view rest = std::string_view(command_.input).substr(fed_);
    const ssize_t put = ::send(input_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (put > 0) fed_ += static_cast<std::size_t>(put);
    if (put < 0 || fed_ == command_.input.size()) input_.reset();
  }

  void end_group() {
    ::kill(-pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void reap(bool ended) {
    // What the program left behind in its group goes too, before its number can be given away.
    if (!ended) ::kill(-pid_, SIGKILL);
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {}
    ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
    if (WIFEXITED(status)) finished_.exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) finished_.signal = WTERMSIG(status);
  }

  const Clock& clock_;
  const Command& command_;
  const Deadline deadline_;
  pid_t pid_ = 0;
  Fd input_, output_, errors_, watch_;
  std::size_t fed_ = 0;
  Finished finished_;
};

/// State letter and start time from /proc/pid/stat; the name in brackets may hold anything.
std::optional<std::pair<char, std::uint64_t>> look_at(pid_t pid) {
  std::string text;
  try {
    const std::optional<Fd> file = open_if_there(fmt::format("/proc/{}/stat", pid), O_RDONLY);
    if (!file) return std::nullopt;
    text = read_all(*file);
  } catch (const std::system_error& error) {
    if (error.code().value() == ESRCH) return std::nullopt;
    throw;
  }
  const std::size_t bracket = text.rfind(')');
  if (bracket == std::string::npos || bracket + 2 >= text.size()) return std::nullopt;
  const char state = text[bracket + 2];
  std::size_t at = bracket + 2;
  for (int field = 3; field < 22 && at != std::string::npos; ++field) at = text.find(' ', at + 1);
  if (at == std::string::npos) return std::nullopt;
  return std::pair{state, std::strtoull(text.c_str() + at, nullptr, 10)};
}

}  // namespace

std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), F_OK) == 0 ? std::optional(name) : std::nullopt;
  const char* path = ::getenv("PATH");
  std::string folders = path != nullptr ? path : "";
  folders += ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  for (std::size_t start = 0; start <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', start), folders.size());
    const std::string candidate = folders.substr(start, end - start) + "/" + name;
    if (end > start && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    start = end + 1;
  }
  return std::nullopt;
}

Finished run(const Clock& clock, const Command& command, Deadline deadline) {
  return Running(clock, command, deadline).finish();
}

Process start_daemon(const Command& command, const std::string& log) {
  Plan plan = plan_of(command);
  plan.own_session = true;
  const Fd null = open_file("/dev/null", O_RDWR);
  const Fd output = log.empty() ? Fd() : open_file(log, O_WRONLY | O_CREAT | O_APPEND);
  const int sink = output ? output.get() : null.get();
  plan.standard = {null.get(), sink, sink};
  const pid_t pid = start(plan);
  const auto now = look_at(pid);
  return {.pid = pid, .started = now ? now->second : 0};
}

std::optional<Process> process_of(pid_t pid) {
  const auto now = look_at(pid);
  if (!now) return std::nullopt;
  if (now->first == 'Z' || now->first == 'X') {
    ::waitpid(pid, nullptr, WNOHANG);  // ours: take it away; not ours: an error that means nothing
    return std::nullopt;
  }
  return Process{.pid = pid, .started = now->second};
}

bool alive(const Process& process) {
  const std::optional<Process> now = process_of(process.pid);
  return now && *now == process;
}

bool send_signal(const Process& process, int signal) {
  // The descriptor pins the process, so that the check of its start time and the signal mean the same one.
  const Fd pinned(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0U)));
  if (!pinned || !alive(process)) return false;
  return ::syscall(SYS_pidfd_send_signal, pinned.get(), signal, nullptr, 0U) == 0;
}

bool wait_gone(const Clock& clock, const Process& process, Deadline deadline) {
  const Fd pinned(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0U)));
  while (pinned && alive(process)) {
    if (deadline.passed(clock)) return false;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline.left(clock)).count() + 1;
    pollfd event{pinned.get(), POLLIN, 0};
    ::poll(&event, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
  }
  return true;
}

}  // namespace scoria::os
