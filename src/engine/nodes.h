#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "db/database.h"

namespace scoria::engine {

/// A process as others see it.
struct NodeSeen {
  std::int64_t incarnation = 0;
  std::string host, roles, release;
  std::string state;           // up, draining; gone: it left; fenced: others found it dead
  bool alive = false;          // has a lease
  Duration lease_left{};       // negative: since when it has none
  Timestamp started_at;
  std::int64_t running = 0;    // operations it works on
};

/// Every node that is there, and of each host the newest one that was. By host and start.
std::vector<NodeSeen> list_nodes(db::Transaction& tx);

/// A draining node claims nothing and gives back what it has, also from the middle of long copies; it goes on answering
/// requests until it is stopped. `resting` false: it takes up work again. `node`: its number, or a host: each process there.
/// Idempotent. Refuses not_found when no such node is there.
Result<> set_resting(db::Database& database, const std::string& node, bool resting);

}  // namespace scoria::engine
