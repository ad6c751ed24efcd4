#pragma once
#include <atomic>
#include <memory>

#include "app/reporter.h"
#include "base/thread_group.h"
#include "locks/locks.h"
#include "operations/services.h"
#include "store/services/activity.h"

namespace scoria::app {

/// Decides how this node works on each backend of its cluster: together with the others when every node that serves it
/// knows the driver to be safe for that, else as its one owner, by a lease in the database that the next node takes when
/// it runs out. A backend without a cluster is this node's alone.
class Owners {
 public:
  /// From now on no backend of a cluster is worked on before the first look at it. `node_lease`: how long a silent node is
  /// believed to live.
  Owners(operations::Services& services, Reporter& reporter, Duration node_lease);
  /// One look at all backends.
  void look();
  void start();
  /// No more looks. What is owned stays owned until release().
  void stop();
  /// Gives the leases back, so that the next node need not wait. Nothing of this node may run any more.
  void release();

 private:
  void look_at(operations::Backend& backend, const std::vector<store::services::Activity>& all);
  void take(operations::Backend& backend, const std::string& why);

  operations::Services& services_;
  Reporter& reporter_;
  std::unique_ptr<locks::Locks> leases_;
  std::atomic<bool> stopping_{false};
  Signal stop_;
  ThreadGroup threads_;
};

}  // namespace scoria::app
