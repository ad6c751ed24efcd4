#include "api/parking.h"

#include <set>
#include <utility>

#include "db/values.h"
#include "observe/log.h"

namespace scoria::api {
namespace {
constexpr Duration look_interval = std::chrono::milliseconds{50};
}

void OperationParking::park(const std::string& operation_id, Deadline deadline, std::function<void(bool ended)> wake) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    // Noted before its end looks for who waits: it finds us, or we find it.
    if (!endings_.find(operation_id)) {
      first = waiting_.empty();
      waiting_.push_back({operation_id, deadline, std::exchange(wake, nullptr), clock_.now() + look_interval});
    }
  }
  if (wake) resume(std::move(wake), true);
  if (first) changed_.raise();
}

void OperationParking::ended(const engine::Operation& operation) {
  endings_.note(operation);
  for (Waiting& one : take([&](const Waiting& waiting) { return waiting.operation_id == operation.id; })) resume(std::move(one.wake), true);
}

std::list<OperationParking::Waiting> OperationParking::take(const std::function<bool(const Waiting&)>& wanted) {
  std::list<Waiting> out;
  const std::lock_guard lock(mutex_);
  for (auto one = waiting_.begin(); one != waiting_.end();) {
    const auto next = std::next(one);
    if (wanted(*one)) out.splice(out.end(), waiting_, one);
    one = next;
  }
  return out;
}

void OperationParking::resume(std::function<void(bool)> wake, bool ended) {
  woken_.try_push([wake = std::move(wake), ended] { wake(ended); });
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

/// What ends on this node is told at once; the database says what ended elsewhere.
void OperationParking::look() {
  const Instant now = clock_.now();
  std::vector<std::string> asked;
  {
    const std::lock_guard lock(mutex_);
    for (Waiting& one : waiting_) {
      if (now < one.next_look) continue;
      one.next_look = now + look_interval;
      asked.emplace_back(one.operation_id);
    }
  }
  std::set<std::string, std::less<>> ended;
  if (!asked.empty()) {
    const db::Rows rows = database_.read_one([&](db::Transaction& tx) {
      return tx.query("SELECT id FROM operation WHERE state IN ('succeeded', 'failed', 'cancelled', 'dead') AND {in:id:?}", {db::list_of(asked)});
    });
    for (std::size_t i = 0; i < rows.size(); ++i) ended.insert(rows.at(i, 0).text());
  }
  for (Waiting& one : take([&](const Waiting& waiting) { return ended.contains(waiting.operation_id) || waiting.deadline.passed(clock_); }))
    resume(std::move(one.wake), ended.contains(one.operation_id));
}

}  // namespace scoria::api
