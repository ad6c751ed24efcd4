#include "operations/volumes/placement.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/bytes.h"
#include "operations/volumes/source.h"
#include "store/objects/objects.h"
#include "store/pools/pools.h"
#include "store/volumes/volumes.h"

namespace scoria::operations {

Result<Choice> choose_pool(db::Database& database, Random&, const engine::Operation& op, const std::vector<std::string>& refused) {
  struct Seen {
    std::optional<Volume> volume;
    std::vector<store::pools::Pool> pools;
    std::string name;
  };
  const Seen seen = database.read([&](db::Transaction& tx) {
    return Seen{store::volumes::find(tx, {op.resource_id}), store::pools::all(tx), store::objects::next_name(tx, "volume", op.resource_id)};
  });
  if (!seen.volume) return refuse(RefusalCode::not_found, "Volume {} could not be found.", op.resource_id);
  // A copy is made where its source is: by the backend itself, without moving bytes through this node.
  const auto source = source_object(database, op);
  if (!source) return refuse(source.error());
  const Bytes wanted = from_gib(seen.volume->size_gib);
  const store::pools::Pool* best = nullptr;
  std::int64_t most = -1;
  std::string away;  // what could take it, if somebody served it
  for (const store::pools::Pool& pool : seen.pools) {
    if (!source->backend.empty() && (pool.backend != source->backend || pool.name != source->pool)) continue;
    if (pool.disabled || pool.frozen) continue;
    if (std::find(refused.begin(), refused.end(), pool.backend + "#" + pool.name) != refused.end()) continue;
    const std::int64_t left = pool.limit_bytes < 0 ? INT64_MAX : pool.limit_bytes - pool.allocated_bytes;
    if (left < wanted.count) continue;
    if (!pool.up) away = pool.backend;
    if (!pool.up || left <= most) continue;
    best = &pool;
    most = left;
  }
  if (best == nullptr && seen.pools.empty()) return refuse(RefusalCode::unavailable, "No backend has reported a pool yet.");
  if (best == nullptr && !away.empty()) return refuse(RefusalCode::unavailable, "No node serves backend {} just now.", away);
  if (best == nullptr) return refuse(RefusalCode::invalid_state, "No pool has room for {} GiB.", seen.volume->size_gib);
  Choice choice;
  choice.placement.backend = best->backend;
  choice.placement.pool = best->name;
  choice.placement.object = seen.name;
  choice.placement.bytes = round_up({std::max(wanted.count, best->minimum_bytes)}, {best->unit_bytes}).count;
  return choice;
}

}  // namespace scoria::operations
