#pragma once
#include <string>
#include <vector>

#include "db/database.h"

/// How the nodes that serve a backend share its work.
namespace scoria::store::services {

inline constexpr std::string_view active_active = "active-active";  // all of them at once
inline constexpr std::string_view owner = "owner";                  // this one, for as long as it renews its lease
inline constexpr std::string_view standby = "standby";              // this one not; it waits for the lease

struct Activity {
  std::string backend, host;
  std::string activity;  // empty: not told yet, or by a release that knows of none: at once
  std::string unproven;  // why this node may not work together with others; empty: it may
  bool up = false;       // its node is alive
};

/// By backend and host.
std::vector<Activity> activities(db::Transaction& tx);
/// What a node says of itself. Its row must be there (store/pools). A backend has one owner: who became it says so of the one
/// before too, which may be silent and yet counted alive.
void tell_activity(db::Transaction& tx, const std::string& host, const std::string& cluster, std::string_view activity, const std::string& unproven);

}  // namespace scoria::store::services
