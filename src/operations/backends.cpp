#include "operations/backends.h"

namespace scoria::operations {

void Backends::add(std::unique_ptr<Backend> backend) {
  const std::lock_guard lock(mutex_);
  std::string name = backend->name;
  backends_[std::move(name)] = std::move(backend);
}

Backend* Backends::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  if (const auto found = backends_.find(name); found != backends_.end()) return found->second.get();
  for (const auto& [old_name, backend] : before_)
    if (old_name == name) return backend.get();
  return nullptr;
}

std::vector<Backend*> Backends::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Backend*> out;
  for (const auto& [name, backend] : backends_) out.push_back(backend.get());
  return out;
}

Backend* Backends::rename(const Backend& before, const std::string& name, const std::string& cluster) {
  auto after = std::make_unique<Backend>();
  after->name = name, after->cluster = cluster, after->host = before.host, after->zone = before.zone, after->shown_name = before.shown_name;
  after->max_operations = before.max_operations, after->target_protocol = before.target_protocol, after->driver = before.driver;
  after->locks = before.locks, after->host_locks = before.host_locks, after->unproven = before.unproven;
  after->up = before.up.load();
  // A lease is of a name: one that needs an owner gets it anew, and what it does under the old name ends at its next step.
  if (!before.unproven.empty() && !cluster.empty()) after->ownership.set("not decided yet", nullptr);
  Backend* out = after.get();
  const std::lock_guard lock(mutex_);
  if (const auto old = backends_.find(before.name); old != backends_.end()) {
    if (!after->ownership.together()) old->second->ownership.set("renamed", nullptr);
    before_.emplace_back(before.name, std::move(old->second));
    backends_.erase(old);
  }
  backends_[name] = std::move(after);
  return out;
}

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
