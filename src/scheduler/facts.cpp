#include "scheduler/facts.h"

#include <algorithm>
#include <cmath>

#include "scheduler/capacity.h"

namespace scoria::scheduler {
namespace {

json::Value rounded_gib(Bytes size) {
  const double value = std::round(static_cast<double>(size.count) / static_cast<double>(gib) * 100) / 100;
  if (value == std::floor(value)) return json::Value(static_cast<std::int64_t>(value));
  return json::Value(value);
}

json::Value capacity_gib(const Capacity& capacity) {
  if (capacity.known()) return rounded_gib(capacity.size);
  return json::Value(std::string(capacity.kind == Capacity::Kind::infinite ? "infinite" : "unknown"));
}

}  // namespace

json::Value facts_of(const PoolState& pool) {
  json::Object out;
  if (pool.capabilities.is_object()) out = pool.capabilities.object();
  const auto set = [&out](std::string_view key, json::Value value) {
    std::erase_if(out, [key](const auto& member) { return member.first == key; });
    out.emplace_back(key, std::move(value));
  };
  set("pool_name", json::Value(pool.name));
  set("host", json::Value(pool.host()));
  set("availability_zone", json::Value(pool.zone));
  set("total_capacity_gb", capacity_gib(pool.total));
  set("free_capacity_gb", capacity_gib(pool.free));
  set("provisioned_capacity_gb", rounded_gib(pool.provisioned));
  set("allocated_capacity_gb", rounded_gib(pool.allocated));
  set("total_volumes", json::Value(pool.volumes));
  set("reserved_percentage", json::Value(std::int64_t{pool.reserved_percentage}));
  set("max_over_subscription_ratio", json::Value(over_subscription_of(pool)));
  set("thin_provisioning_support", json::Value(pool.thin));
  set("thick_provisioning_support", json::Value(pool.thick));
  set("multiattach", json::Value(pool.multiattach));
  set("filter_function", pool.filter_function.empty() ? json::Value() : json::Value(pool.filter_function));
  set("goodness_function", pool.goodness_function.empty() ? json::Value() : json::Value(pool.goodness_function));
  return json::Value(std::move(out));
}

}  // namespace scoria::scheduler
