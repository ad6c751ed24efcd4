#include "operations/backends.h"

namespace scoria::operations {

drivers::Call call_for(engine::Task& task, Duration longest) {
  drivers::Call call;
  call.deadline = Deadline::in(task.clock(), longest).sooner({task.operation().expires});
  call.generation = task.operation().backend_generation;
  call.epoch = task.operation().epoch;
  call.operation = task.operation().id;
  call.stop = [&task] { return task.should_stop(); };
  return call;
}

std::function<void(Bytes done, Bytes total)> report_progress(engine::Task& task, std::string phase) {
  struct Last {
    Instant at;
    std::int64_t bytes = 0;
  };
  const auto last = std::make_shared<Last>(Last{task.clock().now(), 0});
  return [&task, phase = std::move(phase), last](Bytes done, Bytes total) {
    // Often enough that a node which dies in the middle of a long copy is not taken for its victim (Runner: deadly_deaths).
    const bool due = task.clock().now() - last->at >= std::chrono::seconds{1} || done.count - last->bytes >= 256 * mib;
    if (!due) return;
    *last = {task.clock().now(), done.count};
    // A refused checkpoint shows in should_stop() soon; the copy writes only into an object that nobody else may publish.
    task.checkpoint(task.operation().context, {phase, done.count, total.count});
  };
}

bool held_by_another(Backend& backend, const drivers::Call& call, const drivers::ObjectRef& target, const drivers::DriverError& error) {
  auto* holds = dynamic_cast<drivers::Holds*>(backend.driver.get());
  if (error.kind != drivers::FailureClass::busy || holds == nullptr) return false;
  const auto held = holds->hold(call, target);
  return !held && held.error().kind == drivers::FailureClass::busy;
}

engine::Outcome outcome_of(const drivers::DriverError& error, const std::string& code) {
  switch (error.kind) {
    case drivers::FailureClass::transient:
    case drivers::FailureClass::unknown:  // the step probes before it acts, so running it again is safe
      return engine::Outcome::retry(error.message);
    case drivers::FailureClass::busy:
      return engine::Outcome::retry(error.message, false);
    case drivers::FailureClass::stopped:
      return engine::Outcome::stopped();
    case drivers::FailureClass::no_space:
    case drivers::FailureClass::permanent:
      break;
  }
  return engine::Outcome::fail(code, error.message);
}

}  // namespace scoria::operations
