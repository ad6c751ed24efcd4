#include "commands/services/clusters.h"

#include <algorithm>

#include "base/text.h"

namespace scoria::commands {
namespace {

namespace backends = store::backends;

std::string section_of(const std::string& backend) { return backend.substr(backend.find('@')); }
std::string with_section(const std::string& name, const std::string& backend) { return name.find('@') == std::string::npos ? name + section_of(backend) : name; }

/// What Cinder takes for a host, and a cluster is one to its clients.
Result<> sensible(const std::string& name, const std::string& backend) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/+@";
  const bool one_at = std::count(name.begin(), name.end(), '@') == 1 && name.front() != '@';
  if (name.size() <= 255 && one_at && name.find_first_not_of(allowed) == std::string::npos && section_of(name) == section_of(backend)) return {};
  return refuse(RefusalCode::invalid_input, "'{}' is no name for {}: say a name, or name{}.", name, backend, section_of(backend));
}

Result<backends::Backend> find_cluster(db::Transaction& tx, const std::string& name, bool wanted) {
  const auto found = backends::find(tx, name);
  if (!found) return refuse(RefusalCode::not_found, "{} {} could not be found.", wanted ? "Cluster" : "Backend", name);
  if (found->cluster.empty() == !wanted) return *found;
  if (wanted) return refuse(RefusalCode::invalid_state, "{} is the backend of one host, not a cluster: `scoria admin cluster adopt` makes it one.", name);
  return refuse(RefusalCode::invalid_state, "{} is a cluster already: `scoria admin cluster rename` gives it another name.", name);
}

/// Nodes that were configured with the new name before the rename have made it known: that gives way.
Result<> make_room(db::Transaction& tx, const std::string& name) {
  if (!backends::find(tx, name)) return {};
  backends::remove(tx, name);
  if (backends::is_empty(tx, name)) return {};
  return refuse(RefusalCode::conflict, "There is a backend {} already, and it is not empty: two cannot be made one.", name);
}

using Work = std::function<Result<RenamedBackend>(db::Transaction&)>;

Result<RenamedBackend> change_names(Services& services, const std::string& what, const Work& work) {
  auto done = services.database.transact(
      [&](db::Transaction& tx) -> Result<RenamedBackend> {
        backends::lock_names(tx);
        return work(tx);
      },
      [&](std::string_view) { return Refusal{RefusalCode::conflict, fmt::format("{} changed its name meanwhile.", what), {}}; });
  if (done) services.poke({});
  return done;
}

Result<RenamedBackend> move_to(db::Transaction& tx, const std::string& old_name, const std::string& new_name, bool cluster) {
  if (const auto fine = sensible(new_name, old_name); !fine) return refuse(fine.error());
  if (old_name == new_name) return refuse(RefusalCode::invalid_input, "{} is called so already.", old_name);
  if (const auto room = make_room(tx, new_name); !room) return refuse(room.error());
  return RenamedBackend{new_name, backends::rename(tx, old_name, new_name, cluster)};
}

}  // namespace

Result<RenamedBackend> adopt_backend(Services& services, const std::string& backend, const std::string& cluster) {
  return change_names(services, backend, [&](db::Transaction& tx) -> Result<RenamedBackend> {
    if (const auto found = find_cluster(tx, backend, false); !found) return refuse(found.error());
    return move_to(tx, backend, with_section(cluster, backend), true);
  });
}

Result<RenamedBackend> rename_cluster(Services& services, const std::string& cluster, const std::string& name) {
  return change_names(services, cluster, [&](db::Transaction& tx) -> Result<RenamedBackend> {
    if (const auto found = find_cluster(tx, cluster, true); !found) return refuse(found.error());
    return move_to(tx, cluster, with_section(name, cluster), true);
  });
}

Result<RenamedBackend> dissolve_cluster(Services& services, const std::string& cluster, const std::string& host) {
  return change_names(services, cluster, [&](db::Transaction& tx) -> Result<RenamedBackend> {
    if (const auto found = find_cluster(tx, cluster, true); !found) return refuse(found.error());
    const std::string only = with_section(host, cluster);
    std::vector<std::string> others = backends::live_hosts(tx, cluster);
    std::erase(others, only);
    if (!others.empty())
      return refuse(RefusalCode::invalid_state, "Other nodes serve cluster {}: {}. Stop them, or take the backend out of their configuration, first.", cluster,
                    join(others, ", "));
    backends::forget_services(tx, cluster, only);
    return move_to(tx, cluster, only, false);
  });
}

Result<> remove_cluster(Services& services, const std::string& cluster) {
  const auto done = change_names(services, cluster, [&](db::Transaction& tx) -> Result<RenamedBackend> {
    if (const auto found = find_cluster(tx, cluster, true); !found) return refuse(found.error());
    if (const auto hosts = backends::live_hosts(tx, cluster); !hosts.empty())
      return refuse(RefusalCode::invalid_state, "Nodes serve cluster {}: {}. Stop them, or take the backend out of their configuration, first.", cluster, join(hosts, ", "));
    backends::forget_services(tx, cluster, {});
    backends::remove(tx, cluster);
    if (!backends::is_empty(tx, cluster))
      return refuse(RefusalCode::invalid_state, "Volumes or snapshots lie on cluster {}, or operations of it are under way: it cannot be forgotten.", cluster);
    return RenamedBackend{cluster, {}};
  });
  return done ? Result<>{} : refuse(done.error());
}

}  // namespace scoria::commands
