#include "operations/pool_report.h"

#include "json/writer.h"
#include "scheduler/capacity.h"
#include "store/pools/pool_state.h"

namespace scoria::operations {

store::pools::Report to_row(const std::string& backend, const drivers::PoolReport& pool) {
  store::pools::Report row;
  row.backend = backend, row.name = pool.name;
  if (pool.total) row.total_bytes = pool.total->count;
  if (pool.free) row.free_bytes = pool.free->count;
  row.unit_bytes = pool.allocation_unit.count, row.minimum_bytes = pool.minimum_size.count;
  json::Writer out;
  out.begin_object().field("version", 1).field("thin", pool.thin).field("online_extend", pool.online_extend).field("multiattach", pool.multiattach);
  out.field("snapshot_revert", pool.snapshot_revert).field("reserved_percentage", pool.reserved_percentage);
  out.key("max_over_subscription_ratio").number(pool.max_over_subscription_ratio);
  out.field("storage_protocol", std::string_view{pool.storage_protocol}).key("extra").begin_object();
  for (const auto& [key, value] : pool.extra) out.field(key, std::string_view{value});
  row.json = out.end_object().end_object().take();
  const scheduler::Room room = scheduler::room_of(store::pools::to_state({row}), false);
  if (room.kind == scheduler::Room::Kind::bounded) row.limit_bytes = room.limit.count;
  return row;
}

}  // namespace scoria::operations
