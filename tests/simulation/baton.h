#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/random.h"

/// A seeded scheduler for ordinary blocking code. Simulated processes run their loops on real threads, but exactly one
/// thread runs at a time: the one that holds the baton. Each call through Clock, the simulated database and drivers, and
/// each failpoint, is a scheduling point: there the seed decides who goes on. Virtual time jumps when nobody can run.
namespace scoria::simulation {

/// Only one simulated thread runs at a time: on one processor the hand-over is cheapest. For a program of its own.
void pin_to_processor(int which);

/// What unwinds the threads of a killed process. Not derived from std::exception: nobody but the baton catches it.
struct Killed {};

class Baton;

/// A thread's turn: given by one, waited for by another. Sleeps at once, without spinning: the giver goes to sleep next.
class Turn {
 public:
  void give();
  void take();
  /// False if it was not given within a minute.
  bool take_within_a_minute();

 private:
  bool sleep_until_given(bool for_ever);
  std::atomic<std::uint32_t> given_{0};
};

/// A simulated process. Lives as long as its Baton.
class Process {
 public:
  const std::string& name() const { return name_; }
  bool killed() const { return killed_; }
  bool over() const { return live_threads_ == 0; }

 private:
  friend class Baton;
  std::string name_;
  bool killed_ = false;
  Instant paused_until_{}, stalled_since_{}, stalled_until_{}, slow_until_{};
  Duration lag_{};  // of its clock, from stalls that are over
  int live_threads_ = 0;
};

struct BatonOptions {
  std::uint64_t seed = 1;
  double stickiness = 0.5;               // chance that a thread which can go on goes on at a scheduling point
  bool print = false;                    // the schedule, on stdout
  std::uint64_t max_points = 20'000'000; // more is taken for a loop without end
};

class Baton {
 public:
  explicit Baton(BatonOptions options);
  ~Baton();
  Baton(const Baton&) = delete;

  /// Starts a process whose first thread runs `main`. That thread unwinds last when the process is killed, so what it
  /// owns on its stack outlives the others. May be called before run() and from any simulated thread.
  Process& start(std::string name, std::function<void()> main);
  /// Hands the baton out and returns when every thread of every process has ended.
  void run();

  // For simulated threads.
  Instant now() const { return now_; }
  /// A scheduling point. Throws Killed if the process was killed; does nothing while the thread unwinds.
  void point(std::string_view what);
  void sleep(Duration time, std::string_view what = "sleep");
  bool wait(Signal& signal, Duration timeout);
  void spawn(std::string name, std::function<void()> main);
  /// No thread of `process` runs again, except to unwind. If it is the caller's own, throws Killed: that is also how the
  /// first thread of a process with others exits.
  void kill(Process& process);
  /// The process is not picked until `time` has passed: SIGSTOP, SIGCONT.
  void pause(Process& process, Duration time);
  /// The process' own clock stands still for `time` and lags behind by it from then on, as a monotonic clock does when a
  /// virtual machine is suspended. Nothing else stops.
  void stall_clock(Process& process, Duration time);
  Instant time_of(const Process& process) const;
  /// Everything that the process asks of others takes longer until `time` has passed.
  void slow_down(Process& process, Duration time);
  /// How much longer for the caller, this time.
  Duration drag();
  /// This thread alone: a slow call, a page fault.
  void pause_here(Duration time, std::string_view what) { sleep(time, what); }
  Process& current() const;
  /// By the clock of the caller's process.
  Instant my_time() const { return self_ == nullptr ? now_ : time_of(*self_->process); }
  std::string where() const;  // "node1/work"
  /// While held, scheduling points of this thread do not switch: inside a transaction, for instance.
  class Undisturbed {
   public:
    Undisturbed();
    ~Undisturbed();
    Undisturbed(const Undisturbed&) = delete;
  };
  /// The same, and no failpoint is seen either: for the checks' own looks.
  class Invisible {
   public:
    Invisible();
    ~Invisible();
    Invisible(const Invisible&) = delete;

   private:
    const Undisturbed undisturbed_;
  };
  bool undisturbed() const { return self_ != nullptr && self_->undisturbed > 0; }

  /// The seed's own choices; the product gets generators of its own.
  Random& random() { return random_; }
  bool chance(double probability) { return static_cast<double>(random_.next() >> 11) * 0x1.0p-53 < probability; }
  /// Changes with every decision and every place passed: the same seed must give the same value in any process.
  std::uint64_t hash() const { return hash_; }
  void note(std::string_view what);  // into the hash and the printed schedule
  std::uint64_t points() const { return points_; }
  std::uint64_t switches() const { return switches_; }
  /// Failures of the simulated code that no check can see: exceptions that left a thread, I/O in destructors.
  const std::vector<std::string>& faults() const { return faults_; }
  void fault(std::string text);

  /// What happens at a failpoint of a simulated thread. Default: a scheduling point.
  void on_failpoint(std::function<void(const failpoint::Site&)> handler) { failpoint_ = std::move(handler); }
  /// True if the calling thread is unwinding after a kill: any I/O now would be a lie.
  bool unwinding() const;

 private:
  struct Thread {
    explicit Thread(std::string thread_name) : name(std::move(thread_name)) {}
    std::string name;
    Process* process = nullptr;
    bool first = false;
    Turn turn;
    std::thread real;
    bool waiting = false, done = false, raised = false;
    Instant wake_at{};
    Signal* signal = nullptr;
    int undisturbed = 0, invisible = 0;
  };
  static void failpoint_hit(const failpoint::Site& site);
  void body(Thread& self, const std::function<void()>& main);
  void add_thread(Process& process, std::string name, bool first, std::function<void()> main);
  bool runnable(const Thread& thread) const;
  bool jump();
  Thread* choose();
  void pass_on(Thread& self);
  void check_killed(const Thread& self) const;
  void finish(Thread& self);
  void tick();
  void settle_waits();
  void reap();

  static thread_local Thread* self_;
  static thread_local Baton* baton_;
  BatonOptions options_;
  SeededRandom random_;
  Instant now_{std::chrono::seconds{1000}};
  std::uint64_t hash_ = 14695981039346656037ULL, points_ = 0, switches_ = 0;
  std::vector<std::unique_ptr<Process>> processes_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<std::unique_ptr<Thread>> ended_;  // threads that have let go of the baton, to be joined
  std::vector<Thread*> candidates_;
  std::vector<std::string> faults_;
  Turn root_;
  std::function<void(const failpoint::Site&)> failpoint_;
};

/// The Clock that simulated code gets.
class SimClock final : public Clock {
 public:
  explicit SimClock(Baton& baton) : baton_(baton) {}
  /// Never a scheduling point: code may ask the time under a lock.
  Instant now() const override { return baton_.my_time(); }
  void sleep(Duration time) override { baton_.sleep(time); }
  bool wait(Signal& signal, Duration timeout) override { return baton_.wait(signal, timeout); }
  void spawn(std::string name, std::function<void()> main) override { baton_.spawn(std::move(name), std::move(main)); }
  /// For the baton: takes a raise on behalf of a waiting thread.
  static bool take_raise(Signal& signal) { return take(signal); }

 private:
  Baton& baton_;
};

}  // namespace scoria::simulation
