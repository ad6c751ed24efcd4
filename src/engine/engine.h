#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/queue.h"
#include "engine/claim_limits.h"
#include "engine/kind.h"
#include "engine/launch.h"
#include "engine/membership.h"
#include "engine/runner.h"

namespace scoria::engine {

struct EngineOptions {
  MembershipOptions membership;
  Duration poll = std::chrono::seconds{1};  // safety net under the best-effort wake-up; jittered by 20 %
  int slots = 24;                           // short work at once
  int bulk_slots = 4;                       // long data movers at once
  int project_limit = 0;                    // running operations of one project over all nodes; 0 = no cap
};

/// Claims operations of the queues this node serves and runs them; keeps this node's lease; takes dead nodes' work back.
/// Knows no volume. Start-up is recovery: there is no other clean-up.
class Engine final : public Berths {
 public:
  /// `fenced` is called when others declared this node dead: the process must end at once (it runs on an engine thread).
  Engine(db::Database& database, Clock& clock, Random& random, const Kinds& kinds, EngineOptions options, std::function<void()> fenced);
  ~Engine() override;

  /// Joins and starts the loops. Throws db::Error when the database is not there.
  void start();
  /// From now on this node claims work of `queue` and of its bulk queue (or no more). `most`: operations of that backend that
  /// may run at once over all nodes; 0: any number.
  void serve(const std::string& queue, int most = 0);
  void stop_serving(const std::string& queue);
  /// After a commit that made work ready: wakes this node and, best effort, the others.
  void poke(const std::string& queue);
  /// Called with each operation that ended here, after its commit. Set before start().
  void on_ended(std::function<void(const Operation&)> listener) { ended_ = std::move(listener); }
  /// The first half of drain(), at once and without waiting: from now on this node claims nothing, and operations go back at
  /// their next step or from the middle of a long copy. With a database of its own nobody could take them over: then only
  /// long work is given back, and what requests wait for goes on.
  void retire();
  std::optional<Berth> reserve(const std::string& operation, const std::string& queue) override;
  void release(const std::string& operation, const std::string& queue) override;
  void board(Operation operation, std::optional<Duration> time_limit) override;
  /// Stops claiming, lets running steps finish, gives the rest back, leaves. Returns when done or after `limit`.
  void drain(Duration limit);

  std::int64_t incarnation() const { return membership_.incarnation(); }
  Membership& membership() { return membership_; }
  std::size_t running() const;

 private:
  using Claimed = std::pair<std::string, std::int64_t>;  // operation and epoch
  struct Lane {
    BoundedQueue<Operation> work;
    std::atomic<int> busy{0};
    int slots;
    std::atomic<bool> asked{false};  // work is known to be there: claimed without a look first
    std::atomic<bool> resting{false};  // claims nothing, runs no further step
    /// A quarter is kept for what is claimed, which is older: new work does not starve it.
    bool has_berth() const { return !asked && !resting && busy < slots - (slots + 3) / 4; }
  };
  Lane& lane_for(std::string_view queue) { return is_bulk(queue) ? bulk_lane_ : short_lane_; }
  void hand_over(Lane& lane, Operation operation);
  void heartbeat_loop();
  void sweep_loop();
  void take_back();
  void dispatch_loop();
  void work_loop(Lane& lane);
  void dispatch(Lane& lane, bool bulk_lane, bool look);
  /// Work of that queue (of any, if empty) is ready.
  void ask(std::string_view queue);
  void rest(bool resting);
  void rest(Lane& lane, bool bulk_lane, bool resting);
  void look_at_own();
  void give_back(const Claimed& stray);
  std::vector<std::string> queues(bool bulk_queues) const;
  ClaimLimits limits() const;
  bool bound(const std::string& queue) const;
  bool serves(const std::string& queue) const;
  bool anything_ready(const std::vector<std::string>& queues);

  db::Database& database_;
  Clock& clock_;
  Random& random_;
  const Kinds& kinds_;
  const EngineOptions options_;
  const std::function<void()> fenced_;
  std::function<void(const Operation&)> ended_;
  Membership membership_;
  Runner runner_;
  Lane short_lane_, bulk_lane_;
  std::atomic<bool> retired_{false};   // this process is about to end
  std::atomic<bool> stopping_{false};  // no new work
  std::atomic<bool> left_{false};      // nothing runs any more: the lease may end
  std::atomic<int> loops_{0};
  Signal wake_, stop_heartbeat_, stop_sweep_;
  mutable std::mutex mutex_;
  std::set<std::string> served_;                                              // guarded by mutex_
  ClaimLimits limits_;                                                        // guarded by mutex_
  std::map<Claimed, std::shared_ptr<Runner::Control>> running_;               // guarded by mutex_; from the claim, or the berth, on
  std::map<std::string, std::int64_t, std::less<>> generations_;              // guarded by mutex_; of backends, as seen last
  std::set<Claimed> strays_;                                                  // of the heartbeat: as seen last
};

}  // namespace scoria::engine
