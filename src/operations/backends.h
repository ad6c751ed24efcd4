#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "drivers/driver.h"
#include "engine/kind.h"
#include "locks/locks.h"

namespace scoria::operations {

/// Who works on a backend: all nodes that serve it together, or one of them at a time, its owner by a lease.
class Ownership {
 public:
  bool together() const {
    const std::lock_guard lock(mutex_);
    return why_.empty();
  }
  /// Why not all nodes together; empty: they do.
  std::string why() const {
    const std::lock_guard lock(mutex_);
    return why_;
  }
  /// Of the owner; nullptr: another node is it, or none.
  std::shared_ptr<const locks::Held> lease() const {
    const std::lock_guard lock(mutex_);
    return lease_;
  }
  /// May this node work on the backend now?
  bool ours() const {
    const std::lock_guard lock(mutex_);
    return why_.empty() || (lease_ != nullptr && lease_->valid());
  }
  void set(std::string why, std::shared_ptr<const locks::Held> lease) {
    const std::lock_guard lock(mutex_);
    why_ = std::move(why);
    lease_.swap(lease);
  }

 private:
  mutable std::mutex mutex_;
  std::string why_;                           // guarded by mutex_
  std::shared_ptr<const locks::Held> lease_;  // guarded by mutex_
};

/// One backend that this node serves: `host@section`, or `cluster@section` when several nodes serve it.
struct Backend {
  std::string name;
  std::string host;     // always host@section: the service row of this node
  std::string cluster;  // cluster@section, empty without a cluster
  std::string zone;
  std::string shown_name;  // volume_backend_name; empty: the section's name
  int max_operations = 0;                 // at once over all nodes; 0: any number
  std::string target_protocol = "iscsi";  // for clients that do not ask for a transport
  std::shared_ptr<drivers::Driver> driver;
  std::shared_ptr<locks::Locks> locks, host_locks;  // of the driver's sections; of those that are of one machine
  std::string unproven;  // why several nodes may not work on it at once; empty: they may
  std::atomic<bool> up{true};
  Ownership ownership = {};
  /// Can this node use it, and may it now?
  bool usable() const { return up && ownership.ours(); }
};

/// The backends of this node. Thread-safe. A Backend stays where it is, and what it is, as long as this lives: one that is
/// renamed is followed by another with the same driver, so that what began under the old name can end.
class Backends {
 public:
  void add(std::unique_ptr<Backend> backend);
  /// Also by a name that it had.
  Backend* find(const std::string& name) const;
  std::vector<Backend*> all() const;
  /// The same storage under its new name.
  Backend* rename(const Backend& before, const std::string& name, const std::string& cluster);

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Backend>> backends_;                // guarded by mutex_
  std::vector<std::pair<std::string, std::unique_ptr<Backend>>> before_;    // guarded by mutex_; under names of before
};

/// The call of a driver on behalf of a running task: its leash as deadline, its generation and epoch as marks.
drivers::Call call_for(engine::Task& task, Duration longest = std::chrono::minutes{2});

/// For Call::progress: writes progress and proves ownership every 5 s or 256 MiB; told to stop, the call's `stop` says so.
std::function<void(Bytes done, Bytes total)> report_progress(engine::Task& task, std::string phase);

/// After a copy was refused as busy: does another writer have its target open? It is a predecessor that is paused, and would
/// go on writing when it wakes (storage rule R5): nobody waits for it, the copy begins again under another name.
bool held_by_another(Backend& backend, const drivers::Call& call, const drivers::ObjectRef& target, const drivers::DriverError& error);

/// What a driver's refusal means for the step: retry, retry uncounted, stop, or fail with `code`.
engine::Outcome outcome_of(const drivers::DriverError& error, const std::string& code);

}  // namespace scoria::operations
