#include "api/parking.h"

#include "db/values.h"
#include "observe/log.h"

namespace scoria::api {
namespace {
constexpr Duration look_interval = std::chrono::milliseconds{50};
}

void OperationParking::park(const std::string& operation_id, Deadline deadline, std::function<void(bool ended)> wake) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({operation_id, deadline, std::move(wake), clock_.now() + look_interval});
    if (endings_.find(operation_id)) ended_here_.insert(operation_id);
  }
  changed_.raise();
}

void OperationParking::ended(const engine::Operation& operation) {
  endings_.note(operation);
  {
    const std::lock_guard lock(mutex_);
    const bool awaited = std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& one) { return one.operation_id == operation.id; });
    if (!awaited) return;  // whoever parks later finds its ending
    ended_here_.insert(operation.id);
  }
  changed_.raise();
}

void OperationParking::start(int workers) {
  threads_.spawn("parking", [this] { watch_loop(); });
  for (int i = 0; i < workers; ++i)
    threads_.spawn("resume", [this] {
      while (auto job = woken_.pop()) (*job)();
    });
}

void OperationParking::stop() {
  stopping_ = true;
  changed_.raise();
  woken_.close();
  threads_.wait();
}

std::size_t OperationParking::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

void OperationParking::watch_loop() {
  while (!stopping_) {
    try {
      look();
    } catch (const std::exception& failure) {
      log::warning("api", {}, "parked answers: {}", failure.what());
    }
    clock_.wait(changed_, waiting() > 0 ? look_interval : Duration{std::chrono::seconds{10}});
  }
}

void OperationParking::look() {
  const Instant now = clock_.now();
  std::set<std::string, std::less<>> ended;
  std::vector<std::string> asked;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_here_);
    // What ends on this node is told; the database is asked once about each, and then now and again about what others do.
    for (Waiting& one : waiting_) {
      if (ended.contains(one.operation_id) || now < one.next_look) continue;
      one.next_look = now + look_interval;
      asked.emplace_back(one.operation_id);
    }
  }
  if (!asked.empty()) {
    const db::Rows rows = database_.read_one([&](db::Transaction& tx) {
      return tx.query("SELECT id FROM operation WHERE state IN ('succeeded', 'failed', 'cancelled', 'dead') AND {in:id:?}", {db::list_of(asked)});
    });
    for (std::size_t i = 0; i < rows.size(); ++i) ended.insert(rows.at(i, 0).text());
  }
  std::list<Waiting> ready;
  {
    const std::lock_guard lock(mutex_);
    for (auto one = waiting_.begin(); one != waiting_.end();) {
      const auto next = std::next(one);
      if (ended.contains(one->operation_id) || one->deadline.passed(clock_)) ready.splice(ready.end(), waiting_, one);
      one = next;
    }
  }
  for (Waiting& one : ready)
    woken_.try_push([wake = std::move(one.wake), done = ended.contains(one.operation_id)] { wake(done); });
}

}  // namespace scoria::api
