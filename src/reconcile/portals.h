#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "exports/complaints.h"
#include "exports/moving.h"
#include "operations/places.h"
#include "operations/services.h"
#include "store/portals/portals.h"

namespace scoria::reconcile {

struct PortalOptions {
  std::string cluster;
  std::vector<std::string> portals;  // addresses
  Duration lease = std::chrono::seconds{4};
  Duration fence_after = std::chrono::milliseconds{500};  // of waiting for a daemon of the machine that had the portal before
};

/// Keeps this machine's lease on what it exports, takes portals of machines whose lease has run out, and serves there what was served
/// before, at the same addresses. Everything of it is safe twice and late: a portal has one holder by its row, a daemon of a machine
/// without a lease is killed by that machine's keeper, and an image is opened only when nobody else has it open. Thread-safe.
class Portals final : public operations::Places {
 public:
  /// `serve(queue, true)`: this node works on that queue from now on; false: no more.
  Portals(operations::Services& services, exports::Moving& moving, PortalOptions options, std::function<void(const std::string&, bool)> serve);

  /// Renews the lease, and settles who has which portal. To be called every lease/8, by one thread; may throw db::Error.
  void round();
  /// Serves what belongs to this machine's places and is not served yet. By one thread, several times a second.
  void restore();
  /// The lease is only given back by running out: daemons go on serving, and the next process of this machine takes them over.

  const std::string& cluster() const override { return options_.cluster; }
  std::string home() const override { return store::portals::home_place(host_); }
  std::string choose(const std::string& volume_id) const override;
  bool serves(const std::string& place) const override;
  bool abandoned(const std::string& place) const override;
  bool alive(const std::string& place) const override;
  const PortalOptions& options() const { return options_; }

 private:
  struct View {
    bool renewed = false;
    std::vector<store::portals::Host> hosts;
    std::vector<store::portals::Portal> portals;
  };
  View renew();
  void rejoin();
  /// False: what others serve now is still served here, or there is no keeper; nothing more is served until that is over.
  bool settle(const View& view, Instant sent);
  void drop_others(const std::set<std::string>& held);
  /// Whether any portal became free.
  bool fence_expired(const View& view);
  void claim_free(const View& view);
  void serve_queues(const std::set<std::string>& wanted);
  bool restore_place(const std::string& place);
  bool restore_one(const store::portals::Served& one);
  void fence_previous(const std::string& place);
  drivers::Call call(Duration longest) const;

  operations::Services& services_;
  exports::Moving& moving_;
  const PortalOptions options_;
  const std::string host_;
  const std::function<void(const std::string&, bool)> serve_;
  std::int64_t generation_ = -1;       // of round()
  int good_ = 0;                       // of round(): renewals in a row that were in time
  Instant last_;                       // of round()
  std::set<std::string> queues_;       // of round()
  std::map<std::string, Instant> free_since_;  // of round(): portals that nobody has
  bool clean_ = false;                 // of round(): nothing is left from a time before this lease
  mutable std::mutex mutex_;
  std::set<std::string> held_;                     // guarded by mutex_: portals
  std::set<std::string> all_, live_, expired_;     // guarded by mutex_: portals; places of machines
  std::map<std::string, std::string> previous_;    // guarded by mutex_: who had a portal before
  std::map<std::string, std::int64_t> taken_;      // guarded by mutex_: generation of the portals held
  std::set<std::string> ready_;                    // of restore(): places whose exports are all served
  std::map<std::string, Instant> waiting_since_;   // of restore()
  std::map<std::string, std::int64_t> restored_;   // of restore(): generation that ready_ is of
  exports::Complaints complaints_;
};

}  // namespace scoria::reconcile
