#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "domain/pool.h"
#include "json/value.h"
#include "scheduler/request.h"

namespace scoria::scheduler {

/// Why a filter lets a pool not pass, and the nearest thing that would change it. Both are for users as well: no names of
/// hosts.
struct Objection {
  std::string filter;  // "CapacityFilter"
  std::string reason;  // without the pool's name, no full stop
  std::string fix;     // what an operator or user could do; empty when there is nothing sensible
  std::optional<Bytes> missing;        // CapacityFilter: how much room lacks
  std::optional<double> ratio_needed;  // CapacityFilter: the max_over_subscription_ratio that would do
  bool temporary = false;              // goes away by itself: a node is being restarted
};

/// A pool under examination; facts are made once for all filters.
struct Candidate {
  const PoolState& pool;
  json::Value facts;
};

struct Filter {
  std::string_view name;
  /// Nothing: the pool passes.
  std::optional<Objection> (*examine)(const Candidate& candidate, const PlacementRequest& request);
  /// The hint that this filter honours, if the request holds it: ignored, and said to be, when the filter is not in use.
  bool (*hinted)(const PlacementRequest& request) = nullptr;
};

/// Every filter that a configuration may name. Those that no configuration can leave out (service state, source) are not
/// among them.
std::span<const Filter> known_filters();
std::span<const Filter> standing_filters();

}  // namespace scoria::scheduler
