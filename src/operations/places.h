#pragma once
#include <optional>
#include <string>

#include "domain/ids.h"
#include "engine/kind.h"
#include "operations/services.h"

namespace scoria::operations {

/// Which machine serves which volume, in a cluster whose exports move (reconcile/portals). Thread-safe.
class Places {
 public:
  virtual ~Places() = default;
  virtual const std::string& cluster() const = 0;
  /// The place of this machine itself.
  virtual std::string home() const = 0;
  /// The place where a volume is served that is not served yet: a portal, if there are any, else home().
  virtual std::string choose(const std::string& volume_id) const = 0;
  /// The place is this machine's now, and its lease holds.
  virtual bool serves(const std::string& place) const = 0;
  /// Some other machine's own place, and its lease has run out: nothing can be served there, but detaching can be seen through here.
  virtual bool abandoned(const std::string& place) const = 0;
  /// Is that the place of a machine that is alive?
  virtual bool alive(const std::string& place) const = 0;
};

/// Nothing: the volume is served here or nowhere, go on. Else what the step returns: the operation goes to the machine that serves it.
std::optional<engine::Outcome> go_where_served(Services& services, const engine::Task& task, const VolumeId& volume);
/// The operation goes on at that place with the step it is at.
engine::Outcome go_to(const engine::Task& task, const std::string& place);

}  // namespace scoria::operations
