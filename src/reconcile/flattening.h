#pragma once
#include <functional>

#include "operations/services.h"

namespace scoria::reconcile {

struct FlatteningOptions {
  Duration period = std::chrono::minutes{10};  // between the ends of two looks through a backend
  Duration pause = std::chrono::seconds{1};    // between two pages
  Duration longest = std::chrono::hours{6};    // one volume
  std::size_t page = 50;                       // volumes
};

/// Flattens, one after the other, volumes whose reads go through too many layers, while they are used, one node per backend. Asks the driver
/// again each time, so nothing is lost with a process. Whatever else happens to a volume meanwhile comes first: the driver gives up as busy,
/// and the next round tries again.
class Flattening {
 public:
  explicit Flattening(operations::Services& services, FlatteningOptions options = {}) : services_(services), options_(options) {}
  /// Looks at the next page, if that is due and no other node's turn. True: it was.
  bool turn(operations::Backend& backend, const std::function<bool()>& stop);

 private:
  bool ours(const std::string& volume_id) const;
  void look(operations::Backend& backend, const drivers::ObjectRef& object, const std::function<bool()>& stop);

  operations::Services& services_;
  const FlatteningOptions options_;
};

}  // namespace scoria::reconcile
