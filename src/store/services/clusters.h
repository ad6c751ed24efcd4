#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "db/database.h"

/// Clusters as administrators see them: a backend that several nodes may serve, `cluster@section`.
namespace scoria::store::clusters {

struct Cluster {
  std::string name;                         // cluster@section
  std::int64_t hosts = 0, down_hosts = 0;   // services of volumes that belong to it; those whose node has no lease
  bool disabled = false, frozen = false;
  std::string disabled_reason, replication_status, active_backend_id;
  Timestamp last_heartbeat, created_at, updated_at;

  bool up() const { return hosts > down_hosts; }
};

/// By name.
std::vector<Cluster> all(db::Transaction& tx);
std::optional<Cluster> find(db::Transaction& tx, const std::string& name);
/// A disabled cluster gets no new volumes. 0: no such cluster. No reason: null.
std::int64_t set_disabled(db::Transaction& tx, const std::string& name, bool disabled, const std::string& reason);

}  // namespace scoria::store::clusters
