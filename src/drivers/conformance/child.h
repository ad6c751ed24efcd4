#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/time.h"

namespace scoria::drivers::conformance {

/// Runs `work` in a child process and waits for its end; true when it was killed by SIGKILL. A work that throws or hangs
/// for a minute is a failed check.
bool runs_into_kill(const std::function<void()>& work);

/// Runs `work(0)` … `work(count - 1)` in a process each, which begin at the same moment, and waits for their ends. Their
/// texts, in order. A work that throws is a failed check with its text.
std::vector<std::string> run_together(int count, const std::function<std::string(int)>& work);

/// A child process that works until it is stopped or killed, to be told apart from a dead one.
class Child {
 public:
  /// `work` gets a function to call when the interesting moment is reached; Child() returns then, or when work ended.
  /// `stays`: it lives on after its work, until it is killed.
  explicit Child(const std::function<void(const std::function<void()>& reached)>& work, bool stays = true);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  bool reached() const { return reached_; }
  /// SIGSTOP; returns once it does not run any more.
  void pause();
  /// Waits until it has stopped itself; false if it came to its end without.
  bool wait_stopped();
  /// Goes on, up to its end; a work that throws or hangs for a minute is a failed check.
  void finish();
  void kill();

 private:
  int pid_ = 0;
  bool reached_ = false;
};

}  // namespace scoria::drivers::conformance
