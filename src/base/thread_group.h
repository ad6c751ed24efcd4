#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"

namespace scoria {

/// Threads of one owner, spawned through a Clock. The owner makes them end, then waits for them.
class ThreadGroup {
 public:
  explicit ThreadGroup(Clock& clock) : clock_(clock), state_(std::make_shared<State>()) {}

  void spawn(std::string name, std::function<void()> main) {
    ++state_->running;
    clock_.spawn(std::move(name), [state = state_, body = std::move(main)]() mutable {
      body();
      body = nullptr;  // what it holds is gone before the owner goes on
      if (--state->running == 0) state->ended.raise();
    });
  }

  /// Waits until every thread has left its main. One thread at a time may wait.
  void wait() {
    while (state_->running != 0) clock_.wait(state_->ended, std::chrono::seconds{60});
  }

 private:
  struct State {
    std::atomic<int> running{0};
    Signal ended;
  };
  Clock& clock_;
  std::shared_ptr<State> state_;  // a thread that has just ended still touches it
};

}  // namespace scoria
