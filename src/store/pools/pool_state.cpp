#include "store/pools/pool_state.h"

#include <algorithm>

#include "domain/pool_report.h"

namespace scoria::store::pools {
namespace {

Capacity capacity_of(std::int64_t bytes) { return bytes < 0 ? Capacity{} : Capacity::of({bytes}); }

/// What the pool reports about itself, and the name that volume types ask for: the section's, unless it reports another.
json::Value capabilities_of(const Pool& pool, const PoolReportShape& report) {
  json::Object out = report.extra;
  const bool named = std::any_of(out.begin(), out.end(), [](const auto& member) { return member.first == "volume_backend_name"; });
  if (!named) out.emplace_back("volume_backend_name", json::Value(pool.backend.substr(pool.backend.find('@') + 1)));
  out.emplace_back("storage_protocol", json::Value(report.storage_protocol));
  return json::Value(std::move(out));
}

}  // namespace

PoolState to_state(const Pool& pool) {
  // What a newer build reported is not understood here: then only the numbers are.
  const PoolReportShape report = PoolReportShape::from_json(pool.json).value_or(PoolReportShape{});
  PoolState out;
  out.backend = pool.backend, out.name = pool.name;
  out.total = capacity_of(pool.total_bytes), out.free = capacity_of(pool.free_bytes);
  out.provisioned = out.allocated = {pool.allocated_bytes};
  if (pool.limit_bytes >= 0) out.promise_limit = Bytes{pool.limit_bytes};
  out.volumes = pool.volumes;
  out.unit = {pool.unit_bytes}, out.minimum = {pool.minimum_bytes};
  out.reserved_percentage = static_cast<int>(report.reserved_percentage);
  out.over_subscription = report.max_over_subscription_ratio;
  out.thin = report.thin, out.thick = true;
  out.multiattach = report.multiattach;
  out.zone = pool.zone;
  out.up = pool.up, out.disabled = pool.disabled, out.frozen = pool.frozen;
  out.capabilities = capabilities_of(pool, report);
  out.filter_function = out.capabilities.text_or("filter_function"), out.goodness_function = out.capabilities.text_or("goodness_function");
  return out;
}

std::vector<PoolState> all_states(db::Transaction& tx) {
  std::vector<PoolState> out;
  for (const Pool& pool : all(tx)) out.push_back(to_state(pool));
  return out;
}

}  // namespace scoria::store::pools
