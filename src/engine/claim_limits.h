#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"

namespace scoria::engine {

class Kinds;

/// How many operations may run at once over all nodes; 0, or not named: any number.
struct ClaimLimits {
  int project = 0;                                    // of one project
  std::map<std::string, int, std::less<>> backends;   // of one backend, short and long ones
  bool any() const { return project > 0 || !backends.empty(); }
  bool binds(const std::string& backend) const { return backends.contains(backend); }
};

/// A condition on `operation o` with one parameter, Kinds::known(): this node can run it.
inline constexpr std::string_view known_work = "{in:o.kind || '/' || o.ver:?}";

/// The ready operations of these queues, most urgent first, that may be claimed now without going beyond a limit. One claim
/// at a time does this, so the limits hold over all nodes.
std::vector<std::int64_t> within_limits(db::Transaction& tx, const Kinds& kinds, std::span<const std::string> queues, std::size_t most, const ClaimLimits& limits);

}  // namespace scoria::engine
