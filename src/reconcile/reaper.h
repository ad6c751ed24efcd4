#pragma once
#include "operations/services.h"

namespace scoria::reconcile {

/// Removes what is doomed and what was left behind: objects of failed and cancelled operations, bases whose last child
/// is gone, and what a paused process made after its name was given up. Safe on every node at once, without a lock: a
/// doomed name is never used again.
class Reaper {
 public:
  explicit Reaper(operations::Services& services) : services_(services) {}
  /// One round over one backend, at most `limit` objects of each sort. Returns how many were removed.
  std::size_t sweep(operations::Backend& backend, std::size_t limit = 64);

 private:
  drivers::Call call();
  std::size_t destroy_doomed(operations::Backend& backend, std::size_t limit);
  void probe_gone_again(operations::Backend& backend, std::size_t limit);
  void refresh_bases(operations::Backend& backend, std::size_t limit);

  operations::Services& services_;
};

}  // namespace scoria::reconcile
