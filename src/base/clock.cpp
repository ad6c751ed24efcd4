#include "base/clock.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <utility>

namespace scoria {

namespace {

constexpr std::uint32_t raised = 1, one_waiter = 2;

/// Sleeps while `state` is `seen`, at most that long. May return without a reason.
void sleep_on(const std::atomic<std::uint32_t>& state, std::uint32_t seen, Duration time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const timespec limit{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds{time - seconds}.count()};
  ::syscall(SYS_futex, &state, FUTEX_WAIT_PRIVATE, seen, &limit, nullptr, 0);
}

}  // namespace

void Signal::raise() {
  const std::uint32_t before = state_.fetch_or(raised);
  if ((before & raised) != 0 || before < one_waiter) return;  // whom the first raise wakes takes this one as well
  // Who waits may have taken it and destroyed the signal by now: nothing but its address is used.
  ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

bool Clock::take(Signal& signal) { return (signal.state_.fetch_and(~raised) & raised) != 0; }

bool Clock::wait_really(Signal& signal, Duration timeout) {
  if (take(signal)) return true;
  std::atomic<std::uint32_t>& state = signal.state_;
  const auto until = std::chrono::steady_clock::now() + std::min(timeout, Duration{std::chrono::hours{24}});
  std::uint32_t seen = state.fetch_add(one_waiter) + one_waiter;
  while (true) {
    const auto left = std::chrono::ceil<Duration>(until - std::chrono::steady_clock::now());
    if ((seen & raised) == 0 && left > Duration::zero()) {
      sleep_on(state, seen, left);
      seen = state.load();
    } else if (state.compare_exchange_weak(seen, (seen & ~raised) - one_waiter)) {
      return (seen & raised) != 0;
    }
  }
}

SystemClock::~SystemClock() { join_all(); }

Instant SystemClock::now() const {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return {std::chrono::duration_cast<Duration>(std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec})};
}

Timestamp SystemClock::wall() const {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return {time.tv_sec * 1'000'000 + time.tv_nsec / 1'000};
}

void SystemClock::sleep(Duration time) { std::this_thread::sleep_for(time); }

void SystemClock::spawn(std::string name, std::function<void()> main) {
  const std::lock_guard lock(mutex_);
  threads_.emplace_back([name = name.substr(0, 15), main = std::move(main)] {
    ::pthread_setname_np(::pthread_self(), name.c_str());
    main();
  });
}

void SystemClock::join_all() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace scoria
