#include "simulation/baton.h"

#include <fmt/core.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "base/check.h"

namespace scoria::simulation {

thread_local Baton::Thread* Baton::self_ = nullptr;
thread_local Baton* Baton::baton_ = nullptr;

void pin_to_processor(int which) {
  const long count = ::sysconf(_SC_NPROCESSORS_ONLN);
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(count > 0 ? which % count : 0), &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

void Turn::give() {
  given_.store(1, std::memory_order_release);
  ::syscall(SYS_futex, &given_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

bool Turn::sleep_until_given(bool for_ever) {
  const timespec minute{60, 0};
  while (given_.exchange(0, std::memory_order_acquire) == 0)
    if (::syscall(SYS_futex, &given_, FUTEX_WAIT_PRIVATE, 0, for_ever ? nullptr : &minute, nullptr, 0) != 0 && errno == ETIMEDOUT) return false;
  return true;
}

void Turn::take() { sleep_until_given(true); }
bool Turn::take_within_a_minute() { return sleep_until_given(false); }

Baton::Baton(BatonOptions options) : options_(options), random_(options.seed * 0x9E3779B97F4A7C15ULL + 1) {
  failpoint::set_handler(&Baton::failpoint_hit);
}

Baton::~Baton() {
  reap();
  failpoint::set_handler(nullptr);
}

Process& Baton::start(std::string name, std::function<void()> main) {
  processes_.push_back(std::make_unique<Process>());
  Process& process = *processes_.back();
  process.name_ = std::move(name);
  add_thread(process, "main", true, std::move(main));
  return process;
}

void Baton::spawn(std::string name, std::function<void()> main) { add_thread(current(), std::move(name), false, std::move(main)); }

void Baton::add_thread(Process& process, std::string name, bool first, std::function<void()> main) {
  threads_.push_back(std::make_unique<Thread>(std::move(name)));
  Thread& thread = *threads_.back();
  thread.process = &process;
  thread.first = first;
  ++process.live_threads_;
  thread.real = std::thread([this, &thread, main = std::move(main)] { body(thread, main); });
}

void Baton::body(Thread& self, const std::function<void()>& main) {
  self_ = &self;
  baton_ = this;
  self.turn.take();
  try {
    check_killed(self);
    main();
  } catch (const Killed&) {
  } catch (const std::exception& failure) {
    fault(where() + " let an exception escape, which ends a process: " + failure.what());
    self.process->killed_ = true;
  }
  finish(self);
}

void Baton::run() {
  SCORIA_CHECK(self_ == nullptr, "run() is for the thread that owns the baton");
  Thread* next = choose();
  if (next == nullptr) return;
  next->turn.give();
  // The world runs on its own; here we only watch that it goes on.
  for (std::uint64_t seen = 0; !root_.take_within_a_minute();) {
    if (points_ == seen) {
      std::fprintf(stderr, "simulation: seed %llu: the thread that holds the baton has blocked outside of Clock for a minute\n",
                   static_cast<unsigned long long>(options_.seed));
      std::abort();
    }
    seen = points_;
  }
  reap();
}

void Baton::reap() {
  for (const auto& thread : ended_) thread->real.join();
  ended_.clear();
}

Process& Baton::current() const {
  SCORIA_CHECK(self_ != nullptr, "not a simulated thread");
  return *self_->process;
}

std::string Baton::where() const { return self_ == nullptr ? "outside" : self_->process->name_ + "/" + self_->name; }

bool Baton::unwinding() const { return self_ != nullptr && self_->process->killed_ && std::uncaught_exceptions() > 0; }

void Baton::fault(std::string text) {
  note(text);
  faults_.push_back(std::move(text));
}

void Baton::note(std::string_view what) {
  for (const char c : what) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  hash_ = (hash_ ^ static_cast<std::uint64_t>(now_.since_boot.count())) * 1099511628211ULL;
  if (options_.print)
    std::printf("%12.6f %-22s %.*s\n", static_cast<double>(now_.since_boot.count()) / 1e6, where().c_str(), static_cast<int>(what.size()), what.data());
}

void Baton::check_killed(const Thread& self) const {
  if (self.process->killed_ && self.undisturbed == 0 && std::uncaught_exceptions() == 0) throw Killed{};
}

void Baton::tick() {
  now_ = now_ + Duration{1 + static_cast<std::int64_t>(random_.below(30))};
  if (++points_ <= options_.max_points) return;
  std::fprintf(stderr, "simulation: seed %llu: %llu scheduling points and no end: a loop\n", static_cast<unsigned long long>(options_.seed),
               static_cast<unsigned long long>(points_));
  std::abort();
}

void Baton::point(std::string_view what) {
  Thread& self = *self_;
  if (self.undisturbed > 0 || unwinding()) return;
  check_killed(self);
  tick();
  note(what);
  if (self.process->paused_until_ <= now_ && chance(options_.stickiness)) return;
  pass_on(self);
  check_killed(self);
}

void Baton::sleep(Duration time, std::string_view what) {
  Thread& self = *self_;
  if (unwinding()) return;
  SCORIA_CHECK(self.undisturbed == 0, "sleeping where nothing may wait (inside a transaction)");
  check_killed(self);
  tick();
  note(what);
  self.wake_at = now_ + std::max(time, Duration::zero());
  self.waiting = true;
  pass_on(self);
  check_killed(self);
}

bool Baton::wait(Signal& signal, Duration timeout) {
  Thread& self = *self_;
  if (unwinding()) return false;
  SCORIA_CHECK(self.undisturbed == 0, "waiting where nothing may wait (inside a transaction)");
  check_killed(self);
  tick();
  note("wait");
  self.signal = &signal;
  self.raised = false;
  self.wake_at = now_ + std::max(timeout, Duration::zero());
  self.waiting = true;
  pass_on(self);
  self.signal = nullptr;
  check_killed(self);
  return self.raised;
}

void Baton::kill(Process& process) {
  note("kill " + process.name_);
  process.killed_ = true;
  process.paused_until_ = {};
  for (const auto& thread : threads_)
    if (thread->process == &process) thread->waiting = false;
  if (self_ == nullptr || self_->process != &process) return;
  // What the first thread owns is used by the others: it waits for their end.
  if (self_->first && self_->undisturbed == 0) pass_on(*self_);
  throw Killed{};
}

void Baton::pause(Process& process, Duration time) {
  note("pause " + process.name_);
  process.paused_until_ = now_ + time;
}

void Baton::stall_clock(Process& process, Duration time) {
  note("clock stalls " + process.name_);
  const Instant frozen = time_of(process);
  process.lag_ = now_ - frozen;
  process.stalled_since_ = now_;
  process.stalled_until_ = now_ + time;
}

Instant Baton::time_of(const Process& process) const {
  const Duration stalled = std::max(std::min(process.stalled_until_, now_) - process.stalled_since_, Duration::zero());
  return now_ + (-process.lag_ - stalled);
}

void Baton::slow_down(Process& process, Duration time) {
  note("slow " + process.name_);
  process.slow_until_ = now_ + time;
}

Duration Baton::drag() {
  constexpr std::uint64_t most = 400'000;
  return current().slow_until_ > now_ ? Duration{static_cast<std::int64_t>(random_.below(most))} : Duration::zero();
}

/// Wakes who waits for a raised signal or whose time has come. Several may wait for one signal, which remembers one raise:
/// the seed decides who gets it.
void Baton::settle_waits() {
  const std::size_t count = threads_.size();
  const std::size_t offset = count == 0 ? 0 : random_.below(count);
  for (std::size_t i = 0; i < count; ++i) {
    Thread& thread = *threads_[(i + offset) % count];
    if (!thread.waiting) continue;
    if (thread.signal != nullptr && SimClock::take_raise(*thread.signal)) {
      thread.raised = true;
      thread.waiting = false;
    } else if (thread.wake_at <= now_) {
      thread.waiting = false;
    }
  }
}

bool Baton::runnable(const Thread& thread) const {
  if (thread.waiting || thread.process->paused_until_ > now_) return false;
  return !(thread.first && thread.process->killed_) || thread.process->live_threads_ == 1;
}

/// Moves time to the next moment at which something can happen; false if there is none.
bool Baton::jump() {
  Instant next = never;
  for (const auto& thread : threads_) {
    Instant at = thread->waiting ? thread->wake_at : now_;
    at = std::max(at, thread->process->paused_until_);
    if (thread->first && thread->process->killed_ && thread->process->live_threads_ > 1) continue;
    next = std::min(next, at);
  }
  if (next == never) return false;
  now_ = std::max(next, now_);
  return true;
}

Baton::Thread* Baton::choose() {
  while (!threads_.empty()) {
    settle_waits();
    candidates_.clear();
    for (const auto& thread : threads_)
      if (runnable(*thread)) candidates_.push_back(thread.get());
    if (!candidates_.empty()) return candidates_[random_.below(candidates_.size())];
    if (!jump()) {
      std::fprintf(stderr, "simulation: seed %llu: no thread can ever run again\n", static_cast<unsigned long long>(options_.seed));
      std::abort();
    }
  }
  return nullptr;
}

void Baton::pass_on(Thread& self) {
  Thread* next = choose();
  if (next == &self) return;
  ++switches_;
  next->turn.give();
  self.turn.take();
}

/// The thread has ended: it leaves the world and hands the baton on, or back to run() if it was the last.
void Baton::finish(Thread& self) {
  --self.process->live_threads_;
  const auto at = std::find_if(threads_.begin(), threads_.end(), [&self](const auto& thread) { return thread.get() == &self; });
  ended_.push_back(std::move(*at));
  threads_.erase(at);
  if (Thread* next = choose())
    next->turn.give();
  else
    root_.give();
}

void Baton::failpoint_hit(const failpoint::Site& site) {
  if (self_ == nullptr || self_->invisible > 0 || baton_->unwinding()) return;
  if (baton_->failpoint_)
    baton_->failpoint_(site);
  else
    baton_->point(site.name);
}

Baton::Undisturbed::Undisturbed() {
  if (self_ != nullptr) ++self_->undisturbed;
}
Baton::Undisturbed::~Undisturbed() {
  if (self_ != nullptr) --self_->undisturbed;
}
Baton::Invisible::Invisible() {
  if (self_ != nullptr) ++self_->invisible;
}
Baton::Invisible::~Invisible() {
  if (self_ != nullptr) --self_->invisible;
}

}  // namespace scoria::simulation
