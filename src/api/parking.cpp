#include "api/parking.h"

#include "observe/log.h"

namespace scoria::api {

void OperationParking::park(const std::string& operation_id, Deadline deadline, std::function<void(bool ended)> wake) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({operation_id, deadline, std::move(wake)});
  }
  changed_.raise();
}

void OperationParking::ended(const std::string& operation_id) {
  {
    const std::lock_guard lock(mutex_);
    const bool awaited = std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& one) { return one.operation_id == operation_id; });
    if (!awaited) return;  // whoever parks later looks at the database first
    ended_here_.insert(operation_id);
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
    clock_.wait(changed_, waiting() > 0 ? Duration{50'000} : Duration{std::chrono::seconds{10}});
  }
}

void OperationParking::look() {
  std::set<std::string, std::less<>> ended;
  db::Values asked;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_here_);
    for (const Waiting& one : waiting_)
      if (!ended.contains(one.operation_id)) asked.emplace_back(one.operation_id);
  }
  if (!asked.empty()) {
    std::string sql = "SELECT id FROM operation WHERE state IN ('succeeded', 'failed', 'cancelled', 'dead') AND id IN (?";
    for (std::size_t i = 1; i < asked.size(); ++i) sql += ", ?";
    const db::Rows rows = database_.read([&](db::Transaction& tx) { return tx.query(sql + ")", asked); });
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
