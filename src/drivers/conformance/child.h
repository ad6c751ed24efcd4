#pragma once
#include <functional>
#include <string>

#include "base/time.h"

namespace scoria::drivers::conformance {

/// Runs `work` in a child process and waits for its end; true when it was killed by SIGKILL. A work that throws or hangs
/// for a minute is a failed check.
bool runs_into_kill(const std::function<void()>& work);

/// A child process that works until it is stopped or killed, to be told apart from a dead one.
class Child {
 public:
  /// `work` gets a function to call when the interesting moment is reached; Child() returns then, or when work ended.
  explicit Child(const std::function<void(const std::function<void()>& reached)>& work);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  bool reached() const { return reached_; }
  /// SIGSTOP; returns once it does not run any more.
  void pause();
  void kill();

 private:
  int pid_ = 0;
  bool reached_ = false;
};

}  // namespace scoria::drivers::conformance
