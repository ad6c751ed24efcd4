#include "operations/pool_report.h"

#include "domain/pool_report.h"
#include "scheduler/capacity.h"
#include "store/pools/pool_state.h"

namespace scoria::operations {

store::pools::Report to_row(const std::string& backend, const drivers::PoolReport& pool) {
  store::pools::Report row;
  row.backend = backend, row.name = pool.name;
  if (pool.total) row.total_bytes = pool.total->count;
  if (pool.free) row.free_bytes = pool.free->count;
  row.unit_bytes = pool.allocation_unit.count, row.minimum_bytes = pool.minimum_size.count;
  PoolReportShape report;
  report.thin = pool.thin, report.online_extend = pool.online_extend, report.multiattach = pool.multiattach, report.snapshot_revert = pool.snapshot_revert;
  report.reserved_percentage = pool.reserved_percentage, report.max_over_subscription_ratio = pool.max_over_subscription_ratio;
  report.storage_protocol = pool.storage_protocol;
  for (const auto& [key, value] : pool.extra) report.extra.emplace_back(key, json::Value(value));
  row.json = report.to_json();
  const scheduler::Room room = scheduler::room_of(store::pools::to_state({row}), false);
  if (room.kind == scheduler::Room::Kind::bounded) row.limit_bytes = room.limit.count;
  return row;
}

}  // namespace scoria::operations
