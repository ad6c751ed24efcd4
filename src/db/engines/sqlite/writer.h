#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "db/engines/sqlite/connection.h"
#include "db/nesting.h"

namespace scoria::db::sqlite {

/// The one thread that writes. Callers queue their work; the thread runs what is queued, each piece in a SAVEPOINT of
/// its own, ends with one COMMIT for all, and only then answers. A COMMIT that fails, or a rollback that SQLite did by
/// itself, fails every piece of that batch, refusals too: they may have looked at what is now gone.
class Writer {
 public:
  Writer(Clock& clock, Nesting& nesting, std::unique_ptr<Connection> connection, Duration wait_limit);
  /// Finishes the batch under way, fails what still waits, and returns when the thread has ended.
  ~Writer();

  /// True if `work` wanted the commit and it is durable. Throws what `work` threw, or Error.
  bool run(const std::function<bool(Transaction&)>& work);
  std::uint64_t commits() const { return commits_; }

 private:
  struct Job {
    explicit Job(std::packaged_task<bool(Transaction&)> task) : work(std::move(task)), result(work.get_future()) {}
    std::packaged_task<bool(Transaction&)> work;  // carries whatever it throws to the caller
    std::future<bool> result;
    bool keep = false;             // `work` ended well and wants to be committed
    std::optional<Error> failure;  // of the whole batch
    Signal done;
  };
  using Batch = std::vector<std::shared_ptr<Job>>;

  void main();
  std::shared_ptr<Job> next();
  void run_batch(std::shared_ptr<Job> first);
  void run_one(Job& job);
  /// True if the job was still in the queue and is not run any more.
  bool withdraw(const std::shared_ptr<Job>& job);

  Clock& clock_;
  Nesting& nesting_;
  const Duration wait_limit_;
  std::unique_ptr<Connection> connection_;  // the writer thread's
  std::atomic<std::uint64_t> commits_{0};

  std::mutex mutex_;
  std::deque<std::shared_ptr<Job>> queue_;  // guarded by mutex_
  bool stopping_ = false;                   // guarded by mutex_
  Signal filled_;
  std::shared_ptr<Signal> ended_ = std::make_shared<Signal>();  // raised as the thread's last act
};

}  // namespace scoria::db::sqlite
