#pragma once
#include <atomic>
#include <mutex>

#include "base/thread_group.h"
#include "locks/locks.h"

namespace scoria::locks {

/// One acquire at a provider that forgets its holder after a while.
struct Lease {
  std::vector<std::string> names;  // sorted
  std::string holder;              // of this acquire alone
  std::int64_t token = 0;          // filled by take()
  std::string id = {};             // the provider's own word for it, filled by take()
};

/// Locks that are leases: taken, renewed while held, and lost when a renewal was refused or came too late.
class LeasedLocks : public Locks {
 public:
  Reach reach() const override { return Reach::cluster; }
  void stop() override;

 protected:
  LeasedLocks(Clock& clock, Random& random, LeaseOptions options) : Locks(clock, random), options_(std::move(options)), threads_(clock) {}

  // What a provider does. Each may throw std::runtime_error when there is no answer; its effect is then unknown.
  /// All names or none; false: another has one.
  virtual bool take(Lease& lease) = 0;
  /// False: it is lost for good.
  virtual bool renew(const Lease& lease) = 0;
  virtual void release(const Lease& lease) = 0;

  /// A lease as its holder and the keeper see it.
  struct Kept {
    Kept(Lease taken, Clock& its_clock) : lease(std::move(taken)), clock(its_clock) {}
    const Lease lease;
    Clock& clock;
    std::atomic<std::int64_t> until{0};   // what may be relied on; on this machine's clock
    std::atomic<bool> lost{false};
    bool valid() const { return !lost && clock.now().since_boot.count() < until; }
  };
  /// In memory only: a destructor does no I/O, the keeper does it.
  class LeaseHeld : public Held {
   public:
    LeaseHeld(std::shared_ptr<Kept> kept, std::shared_ptr<Signal> wake) : Held(kept->lease.names, kept->lease.token), kept_(std::move(kept)), wake_(std::move(wake)) {}
    ~LeaseHeld() override {
      kept_.reset();
      wake_->raise();
    }
    bool valid() const override { return kept_->valid(); }

   protected:
    const Lease& lease() const { return kept_->lease; }

   private:
    std::shared_ptr<Kept> kept_;
    const std::shared_ptr<Signal> wake_;
  };
  /// Makes what holders get of a lease that is kept.
  virtual std::shared_ptr<const Held> hand_out(std::shared_ptr<Kept> kept, std::shared_ptr<Signal> wake) {
    return std::make_shared<const LeaseHeld>(std::move(kept), std::move(wake));
  }
  const LeaseOptions& options() const { return options_; }

 private:
  Result<std::shared_ptr<const Held>> try_acquire(const std::vector<std::string>& names) override;
  std::shared_ptr<Kept> keep(Lease lease, Instant sent);
  void keeper();
  void renew_all();
  Instant reliable_until(Instant sent) const { return sent + (options_.lease - options_.lease / 8); }
  void release_abandoned();

  const LeaseOptions options_;
  const std::shared_ptr<Signal> wake_ = std::make_shared<Signal>();
  std::mutex mutex_;
  std::vector<std::shared_ptr<Kept>> kept_;  // guarded by mutex_; one that nobody else has is to be given back
  bool running_ = false;                     // guarded by mutex_
  std::atomic<bool> stopping_{false};
  ThreadGroup threads_;
};

}  // namespace scoria::locks
