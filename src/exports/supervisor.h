#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/queue.h"
#include "os/fd.h"
#include "os/process.h"

namespace scoria::exports {

/// Watches daemons that need not be our children and says when one has ended; also calls every second for a look at what
/// others may have left. Several processes of one node may watch the same daemon: who reacts first is settled by the
/// state directory's locks. Thread-safe.
class Supervisor {
 public:
  explicit Supervisor(Clock& clock);
  ~Supervisor();

  /// To be called before start(). `look` runs every second.
  void on_tick(std::function<void()> look) { looks_.push_back(std::move(look)); }
  void start();
  /// Returns once no reaction runs any more. Daemons stay.
  void stop();

  /// Calls `ended` once, on a thread of the supervisor, when that process is gone (at once if it already is). A second
  /// watch under the same key takes the place of the first.
  void watch(const std::string& key, const os::Process& process, std::function<void()> ended);
  void forget(const std::string& key);
  /// Runs something soon, on a thread of the supervisor.
  void react(std::function<void()> reaction) { reactions_.try_push(std::move(reaction)); }
  bool watches(const std::string& key) const;

 private:
  struct Watched {
    std::uint64_t id = 0;
    os::Fd pidfd;
    std::function<void()> ended;
  };

  void run_watcher();
  void run_worker();
  void run_ticks();
  void report(std::uint64_t id);

  Clock& clock_;
  std::vector<std::function<void()>> looks_;
  BoundedQueue<std::function<void()>> reactions_;
  os::Fd poll_, wake_;
  Signal stopping_;
  std::atomic<bool> stop_{false};
  std::mutex running_mutex_;
  int running_ = 0;      // guarded by running_mutex_
  Signal all_ended_;
  mutable std::mutex mutex_;
  std::uint64_t next_id_ = 1;               // guarded by mutex_
  std::map<std::string, Watched> watched_;  // guarded by mutex_
};

}  // namespace scoria::exports
