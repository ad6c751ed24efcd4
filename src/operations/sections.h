#pragma once
#include <memory>
#include <vector>

#include "drivers/driver.h"
#include "engine/kind.h"
#include "locks/locks.h"

namespace scoria::operations {

struct Backend;

/// The locks that a call of a driver runs under. They end with the last copy: a step keeps them in its commit.
class Entered {
 public:
  /// `changes` after the proof that the locks are still ours: who lost one commits nothing, and its step runs again.
  engine::Commit proven(engine::Commit changes = {}) const;
  void add(std::shared_ptr<const locks::Held> held) { held_.push_back(std::move(held)); }
  void add(const Entered& other) { held_.insert(held_.end(), other.held_.begin(), other.held_.end()); }
  bool empty() const { return held_.empty(); }

 private:
  std::vector<std::shared_ptr<const locks::Held>> held_;
};

/// Enters the section that the backend's driver declares for this act on these objects, and, where the backend has one
/// owner, proves to be it. The call gets the tokens, and stops when a lock is lost. `busy` while others are inside or own
/// the backend, `transient` when the locks do not answer.
drivers::DriverResult<Entered> enter(Backend& backend, drivers::Act act, const std::vector<drivers::ObjectRef>& objects, drivers::Call& call);

}  // namespace scoria::operations
