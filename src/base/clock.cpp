#include "base/clock.h"

#include <pthread.h>
#include <time.h>

#include <utility>

namespace scoria {

void Signal::raise() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(raised_, true)) return;  // whom the first raise wakes takes this one as well
  condition_.notify_one();                   // under the lock: who waits may destroy the signal as soon as it wakes
}

bool Clock::take(Signal& signal) {
  const std::lock_guard lock(signal.mutex_);
  return std::exchange(signal.raised_, false);
}

bool Clock::wait_really(Signal& signal, Duration timeout) {
  std::unique_lock lock(signal.mutex_);
  const auto raised = [&signal] { return signal.raised_; };
  if (!signal.condition_.wait_for(lock, std::min(timeout, Duration{std::chrono::hours{24}}), raised)) return false;
  signal.raised_ = false;
  return true;
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
