#include "exports/supervisor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>

#include "base/failpoint.h"
#include "observe/log.h"

namespace scoria::exports {
namespace {

constexpr int workers = 4;
constexpr Duration tick = 1s;

void attempt(const std::function<void()>& reaction) {
  try {
    reaction();
  } catch (const std::exception& error) {
    log::error("exports", {}, "a reaction to an ended daemon failed, it is tried again within a second: {}", error.what());
  }
}

}  // namespace

Supervisor::Supervisor(Clock& clock)
    : clock_(clock), reactions_(clock, 4096), poll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = 0}};
  if (!poll_ || !wake_ || ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0) os::fail("make", "a poll descriptor");
}

Supervisor::~Supervisor() = default;

void Supervisor::start() {
  running_ = 2 + workers;
  const auto ending = [this](void (Supervisor::*main)()) {
    return [this, main] {
      (this->*main)();
      const std::lock_guard lock(running_mutex_);
      if (--running_ == 0) all_ended_.raise();
    };
  };
  clock_.spawn("exports-watch", ending(&Supervisor::run_watcher));
  clock_.spawn("exports-tick", ending(&Supervisor::run_ticks));
  for (int i = 0; i < workers; ++i) clock_.spawn("exports-work", ending(&Supervisor::run_worker));
}

void Supervisor::stop() {
  stop_.store(true);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = ::write(wake_.get(), &one, sizeof one);
  stopping_.raise();
  reactions_.close();
  while (true) {
    {
      const std::lock_guard lock(running_mutex_);
      if (running_ == 0) return;
    }
    clock_.wait(all_ended_, 1s);
  }
}

void Supervisor::watch(const std::string& key, const os::Process& process, std::function<void()> ended) {
  os::Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0U)));
  // The start time is compared after the descriptor exists, so both mean the same process.
  if (!pidfd || !os::alive(process)) {
    reactions_.try_push(std::move(ended));
    return;
  }
  const std::lock_guard lock(mutex_);
  const std::uint64_t id = next_id_++;
  epoll_event event{.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = id}};
  if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, pidfd.get(), &event) != 0) os::fail("watch", "a process");
  watched_.insert_or_assign(key, Watched{id, std::move(pidfd), std::move(ended)});
}

void Supervisor::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  watched_.erase(key);
}

bool Supervisor::watches(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  return watched_.contains(key);
}

void Supervisor::report(std::uint64_t id) {
  std::function<void()> ended;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = watched_.begin(); it != watched_.end(); ++it) {
      if (it->second.id != id) continue;
      siginfo_t info{};
      ::waitid(P_PIDFD, static_cast<id_t>(it->second.pidfd.get()), &info, WEXITED | WNOHANG);  // reaps it if it is ours
      ended = std::move(it->second.ended);
      watched_.erase(it);
      break;
    }
  }
  if (ended) reactions_.try_push(std::move(ended));
}

void Supervisor::run_watcher() {
  while (!stop_.load()) {
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) os::fail("wait for", "daemons");
    for (int i = 0; i < count; ++i) report(events[static_cast<std::size_t>(i)].data.u64);
  }
}

void Supervisor::run_worker() {
  while (const auto reaction = reactions_.pop()) attempt(*reaction);
}

void Supervisor::run_ticks() {
  while (!stop_.load()) {
    for (const std::function<void()>& look : looks_) attempt(look);
    if (clock_.wait(stopping_, tick)) return;
  }
}

}  // namespace scoria::exports
