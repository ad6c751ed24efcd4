#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "db/database.h"

/// What the doctor asks the database: how nodes, backends and operations are.
namespace scoria::store::health {

/// A live node's report on itself, as JSON. The one before is replaced.
void publish(db::Transaction& tx, std::int64_t incarnation, const std::string& report);
struct Report {
  std::int64_t incarnation = 0;
  std::string host, report;
  Timestamp reported_at;
};
/// Of nodes that are alive, by incarnation.
std::vector<Report> reports(db::Transaction& tx);

struct LostService {
  std::string host, binary;
  Timestamp updated_at;
};
/// Services whose node died; not those that were stopped in good order, or that somebody disabled with a reason.
std::vector<LostService> lost_services(db::Transaction& tx);

struct BrokenBackend {
  std::string host, reason;
};
/// Live services that cannot reach their storage.
std::vector<BrokenBackend> broken_backends(db::Transaction& tx);
/// Releases of live nodes, and the hosts that run them.
std::vector<std::pair<std::string, std::string>> live_releases(db::Transaction& tx);

struct Holding {
  std::string name;
  std::int64_t volumes = 0;
};
/// Backends in whose pools volumes lie.
std::vector<Holding> backends_with_volumes(db::Transaction& tx);

struct StuckOperation {
  std::string id, kind, state, queue, resource_type, resource_id, text;
  Timestamp since, deadline;
  bool unserved = false;  // ready for a minute in a queue that no live service stands for
};
/// Dead ones, those beyond their deadline by a minute, and those that nobody can take up. Oldest first.
std::vector<StuckOperation> stuck_operations(db::Transaction& tx, std::size_t limit);

}  // namespace scoria::store::health
