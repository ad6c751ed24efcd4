#pragma once
#include <string>
#include <vector>

#include "base/time.h"
#include "db/database.h"

/// Pools as schedulers see them. What is promised (allocated) changes only together with its cause, so N schedulers
/// share one truth; what the backend reports (total, free) is refreshed by the nodes that serve it.
namespace scoria::store::pools {

struct Report {
  std::string backend, name;
  std::int64_t total_bytes = -1, free_bytes = -1;  // -1 = the backend cannot tell
  std::int64_t limit_bytes = -1;                    // most that may be promised: usable × over-subscription; -1 = no bound
  std::int64_t unit_bytes = 1, minimum_bytes = 1;
  std::string json;                                 // the full report (drivers::PoolReport), for capabilities
};

struct Pool : Report {
  std::int64_t allocated_bytes = 0;
  std::int64_t volumes = 0;
  std::string zone;
  bool disabled = false, frozen = false, up = false;
  Timestamp reported_at;
};

void report(db::Transaction& tx, const Report& report);
/// Every pool with the state of its backend: up while a live node serves it.
std::vector<Pool> all(db::Transaction& tx);
/// Promises `bytes` of a pool. Guard "pool.full".
void take(db::Transaction& tx, const std::string& backend, const std::string& pool, std::int64_t bytes, std::int64_t volumes);
/// Guard "pool.back".
void give_back(db::Transaction& tx, const std::string& backend, const std::string& pool, std::int64_t bytes, std::int64_t volumes);

/// Makes the backend and its service row known, served by incarnation `inc`; `up` with the reason why not.
struct Service {
  std::string id, host, binary, zone, cluster;
  std::int64_t inc = 0;
  bool backend_up = true;
  std::string backend_reason;
};
void ensure_backend(db::Transaction& tx, const std::string& name, const std::string& cluster, const std::string& zone);
void ensure_service(db::Transaction& tx, const Service& service);

}  // namespace scoria::store::pools
