#pragma once
#include <string>
#include <vector>

#include "base/time.h"
#include "db/database.h"

/// Services as administrators see them. Rows are made by the nodes that run them (store/pools).
namespace scoria::store::services {

struct Service {
  std::string id, host, binary, zone;
  std::string cluster;        // cluster@backend, empty without
  std::int64_t incarnation = 0;  // of the node that runs it
  bool up = false;            // its node is alive
  bool disabled = false;
  std::string disabled_reason;
  bool backend_up = true;     // as this node sees it
  bool frozen = false;        // here and below: of the backend, for cinder-volume
  std::string replication_status, active_backend_id;
  Timestamp updated_at;
  /// The backend that it serves: what pools and volumes name.
  const std::string& backend() const { return cluster.empty() ? host : cluster; }
};

inline constexpr std::string_view volume_binary = "cinder-volume";

/// By binary and host.
std::vector<Service> all(db::Transaction& tx);
/// A backend of one host is switched together with its only service; one of a cluster by its cluster. Returns how many
/// services changed; no reason: null.
std::int64_t set_disabled(db::Transaction& tx, const std::string& host, const std::string& binary, bool disabled, const std::string& reason);
/// 0: no such backend, or it is so already.
std::int64_t set_frozen(db::Transaction& tx, const std::string& backend, bool frozen);
bool frozen(db::Transaction& tx, const std::string& backend);

/// What lies on a backend, by project.
struct Content {
  std::string project;
  std::int64_t volumes = 0, volume_gib = 0, snapshots = 0, snapshot_gib = 0;
};
std::vector<Content> contents(db::Transaction& tx, const std::string& backend);

}  // namespace scoria::store::services
