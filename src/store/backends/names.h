#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "db/database.h"

/// Names of backends: `host@section` of one host, `cluster@section` of several. A backend can be renamed under load.
namespace scoria::store::backends {

/// Label of guards of commands that saw a resource on a backend that it is not on any more: the command is to be run again
/// from its start.
inline constexpr std::string_view moved_away = "moved";

struct Backend {
  std::string name, cluster;  // cluster: the same as name, or empty
};

std::optional<Backend> find(db::Transaction& tx, const std::string& name);
std::vector<Backend> all(db::Transaction& tx);

/// Every later statement of this transaction sees the names as they stay until its commit. Whoever writes rows under a
/// backend's name that it had before the transaction began asks first.
void share_names(db::Transaction& tx);
/// Changes of names are made by one transaction at a time.
void lock_names(db::Transaction& tx);

/// What a backend that was called so is called now; nothing: it was never renamed.
std::optional<Backend> renamed(db::Transaction& tx, const std::string& old_name);

/// Every name that a backend had, and what it is now.
std::vector<std::pair<std::string, Backend>> old_names(db::Transaction& tx);

/// What a rename moved.
struct Moved {
  std::int64_t volumes = 0, snapshots = 0, objects = 0, operations = 0;
};
/// Gives a backend, and everything that carries its name, another one. Its generation rises, and whatever runs on it is taken
/// from its owner: the operations go on under the new name, where nodes that follow it claim them. `cluster` false: it belongs
/// to one host again. After lock_names(). Guard "backend": no such backend; a name that is taken is a unique violation.
Moved rename(db::Transaction& tx, const std::string& old_name, const std::string& new_name, bool cluster);

/// Nothing lies on it and nothing runs on it.
bool is_empty(db::Transaction& tx, const std::string& name);
/// Forgets an empty backend with its pools and what was found there. After lock_names(); is_empty() is asked after it, when
/// nobody can begin anything there any more.
void remove(db::Transaction& tx, const std::string& name);
/// Forgets the services of a cluster, but for the one on that host.
void forget_services(db::Transaction& tx, const std::string& cluster, const std::string& but_host);
/// Hosts of nodes that are alive and serve it.
std::vector<std::string> live_hosts(db::Transaction& tx, const std::string& name);

/// What nodes may have written under an old name before they heard of the new one: findings and turns, of no use to anybody.
void forget_old_names(db::Transaction& tx);

}  // namespace scoria::store::backends
