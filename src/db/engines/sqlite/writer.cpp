#include "db/engines/sqlite/writer.h"

#include "db/faults.h"

namespace scoria::db::sqlite {
namespace {
constexpr std::size_t max_batch = 64;
}

Writer::Writer(Clock& clock, Nesting& nesting, std::unique_ptr<Connection> connection, Duration wait_limit)
    : clock_(clock), nesting_(nesting), wait_limit_(wait_limit), connection_(std::move(connection)) {
  clock_.spawn("db-writer", [this, ended = ended_] {
    main();
    ended->raise();
  });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.raise();
  while (!clock_.wait(*ended_, std::chrono::seconds{60})) {
  }
}

bool Writer::run(const std::function<bool(Transaction&)>& work) {
  std::shared_ptr<Job> job;
  job = std::make_shared<Job>(std::packaged_task<bool(Transaction&)>([&work, &job](Transaction& tx) {
    const bool wanted = work(tx);
    static_cast<Statements&>(tx).require_sound();
    if (wanted) faults::before_commit();
    job->keep = wanted;
    return wanted;
  }));
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) throw Error("the database is shutting down");
    queue_.push_back(job);
  }
  filled_.raise();
  while (!clock_.wait(job->done, wait_limit_))
    if (withdraw(job)) throw Error("the database is too busy: no turn to write in time");
  if (job->failure) throw *job->failure;
  return job->result.get();
}

bool Writer::withdraw(const std::shared_ptr<Job>& job) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find(queue_.begin(), queue_.end(), job);
  if (found == queue_.end()) return false;
  queue_.erase(found);
  return true;
}

std::shared_ptr<Writer::Job> Writer::next() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return nullptr;
  std::shared_ptr<Job> job = std::move(queue_.front());
  queue_.pop_front();
  return job;
}

void Writer::main() {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    if (std::shared_ptr<Job> job = next()) {
      run_batch(std::move(job));
    } else {
      clock_.wait(filled_, std::chrono::seconds{60});
    }
  }
  while (const std::shared_ptr<Job> job = next()) {
    job->failure.emplace("the database is shutting down");
    job->done.raise();
  }
}

void Writer::run_batch(std::shared_ptr<Job> first) {
  Batch batch;
  try {
    batch.push_back(std::move(first));
    connection_->run("BEGIN IMMEDIATE");
    run_one(*batch.back());
    while (batch.size() < max_batch) {
      std::shared_ptr<Job> job = next();
      if (!job) break;
      batch.push_back(std::move(job));
      run_one(*batch.back());
    }
    connection_->run("COMMIT");
    ++commits_;
  } catch (const Error& error) {
    connection_->roll_back();
    for (const std::shared_ptr<Job>& job : batch) job->failure = error;
  }
  for (const std::shared_ptr<Job>& job : batch) job->done.raise();
}

void Writer::run_one(Job& job) {
  connection_->run("SAVEPOINT piece");
  Statements tx(*connection_, Statements::Mode::write);
  {
    const Nesting::Scope scope(nesting_);
    job.work(tx);
  }
  job.work = {};  // what it threw is the caller's alone from here
  if (!connection_->in_transaction()) throw Error("the database rolled back by itself: disk full or input/output error", false, connection_->found_no_room());
  if (!job.keep) connection_->run("ROLLBACK TO piece");
  connection_->run("RELEASE piece");
}

}  // namespace scoria::db::sqlite
