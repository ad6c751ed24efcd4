#include "scheduler/filters.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "scheduler/capacity.h"
#include "scheduler/driver_functions.h"
#include "scheduler/query.h"
#include "scheduler/specs.h"

namespace scoria::scheduler {
namespace {

using Examined = std::optional<Objection>;

Examined object(std::string_view filter, std::string reason, std::string fix = {}) {
  return Objection{.filter = std::string(filter), .reason = std::move(reason), .fix = std::move(fix)};
}

bool contains(const std::vector<std::string>& list, std::string_view text) { return std::find(list.begin(), list.end(), text) != list.end(); }

std::string listed(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return out;
}

Examined service_state(const Candidate& candidate, const PlacementRequest&) {
  constexpr std::string_view name = "ServiceState";
  const PoolState& pool = candidate.pool;
  if (pool.disabled) return object(name, "its service is disabled", "enable its service");
  if (pool.frozen) return object(name, "its backend is frozen", "thaw its backend");
  if (pool.up) return std::nullopt;
  Examined out = object(name, "no live node serves it, or its backend is down", "start its service");
  out->temporary = true;
  return out;
}

Examined source_place(const Candidate& candidate, const PlacementRequest& request) {
  if (request.pinned.empty() || request.pinned == candidate.pool.host()) return std::nullopt;
  return object("SourcePlace", "the source is in another pool, and is copied there");
}

Examined availability_zone(const Candidate& candidate, const PlacementRequest& request) {
  if (request.zones.empty() || contains(request.zones, candidate.pool.zone)) return std::nullopt;
  return object("AvailabilityZoneFilter", fmt::format("it is in zone {}, wanted is {}", candidate.pool.zone, listed(request.zones)),
                fmt::format("ask for zone {}, or for none", candidate.pool.zone));
}

Examined capacity(const Candidate& candidate, const PlacementRequest& request) {
  const PoolState& pool = candidate.pool;
  const std::optional<Shortage> lack = shortage(pool, pool.taken_by(request.size), request.thick());
  if (!lack) return std::nullopt;
  Examined out = object("CapacityFilter", lack->reason);
  out->missing = lack->missing;
  out->ratio_needed = lack->ratio_needed;
  if (lack->missing) out->fix = fmt::format("needs {} more free", in_gib(*lack->missing));
  if (lack->ratio_needed) out->fix += fmt::format(", or max_over_subscription_ratio ≥ {:.2f}", *lack->ratio_needed);
  return out;
}

Examined capabilities(const Candidate& candidate, const PlacementRequest& request) {
  for (const auto& [key, requirement] : request.extra_specs) {
    std::string why;
    if (capability_meets(candidate.facts, key, requirement, why)) continue;
    return object("CapabilitiesFilter", why, fmt::format("change extra spec {} of the volume type, or use another type", key));
  }
  return std::nullopt;
}

/// The volumes among `ids` that are in this pool.
std::vector<std::string> here(const Candidate& candidate, const PlacementRequest& request, const std::vector<std::string>& ids) {
  std::vector<std::string> out;
  for (const std::string& id : ids) {
    const auto found = request.hosts_of_volumes.find(id);
    if (found != request.hosts_of_volumes.end() && found->second == candidate.pool.host()) out.push_back(id);
  }
  return out;
}

Examined different_backend(const Candidate& candidate, const PlacementRequest& request) {
  const std::vector<std::string> found = here(candidate, request, request.hints.different_host);
  if (found.empty()) return std::nullopt;
  return object("DifferentBackendFilter", fmt::format("it holds volume {}, which the hint different_host wants elsewhere", found.front()));
}

Examined same_backend(const Candidate& candidate, const PlacementRequest& request) {
  if (request.hints.same_host.empty() || !here(candidate, request, request.hints.same_host).empty()) return std::nullopt;
  return object("SameBackendFilter", fmt::format("it holds none of {}, beside which the hint same_host wants the volume", listed(request.hints.same_host)));
}

Examined driver(const Candidate& candidate, const PlacementRequest& request) {
  if (candidate.pool.filter_function.empty()) return std::nullopt;
  const Result<ExpressionValue> value = evaluate(candidate.pool.filter_function, variables_of(candidate, request));
  if (!value) {
    return object("DriverFilter", fmt::format("its filter_function cannot be evaluated: {}", value.error().message), "correct the backend's filter_function");
  }
  if (is_true(*value)) return std::nullopt;
  return object("DriverFilter", "its filter_function says no");
}

Examined json_query(const Candidate& candidate, const PlacementRequest& request) {
  if (request.hints.query.is_null()) return std::nullopt;
  const Result<bool> answer = answers(request.hints.query, candidate.facts);
  if (!answer) return object("JsonFilter", fmt::format("the hint query cannot be read: {}", answer.error().message), "correct the hint");
  if (*answer) return std::nullopt;
  return object("JsonFilter", "it does not answer the hint query");
}

Examined instance_locality(const Candidate& candidate, const PlacementRequest& request) {
  constexpr std::string_view name = "InstanceLocalityFilter";
  if (request.hints.local_to_instance.empty()) return std::nullopt;
  if (!request.instance_host) {
    return object(name, fmt::format("where instance {} runs cannot be found out: no compute service is asked", request.hints.local_to_instance),
                  "leave the hint local_to_instance out");
  }
  if (candidate.pool.backend.substr(0, candidate.pool.backend.find('@')) == *request.instance_host) return std::nullopt;
  return object(name, fmt::format("instance {} runs on another host", request.hints.local_to_instance));
}

Examined retry(const Candidate& candidate, const PlacementRequest& request) {
  if (!contains(request.tried, candidate.pool.host())) return std::nullopt;
  return object("RetryFilter", "it had no room left when this volume was to be made there", "free space there, or add a pool");
}

Examined hints(const Candidate&, const PlacementRequest& request) {
  if (request.hints.broken.empty()) return std::nullopt;
  return object("SchedulerHints", request.hints.broken, "correct the hint");
}

constexpr Filter standing[] = {{"ServiceState", service_state}, {"SourcePlace", source_place}, {"SchedulerHints", hints}, {"RetryFilter", retry}};

constexpr Filter configurable[] = {
    {"AvailabilityZoneFilter", availability_zone},
    {"CapacityFilter", capacity},
    {"CapabilitiesFilter", capabilities},
    {"DifferentBackendFilter", different_backend, [](const PlacementRequest& request) { return !request.hints.different_host.empty(); }},
    {"SameBackendFilter", same_backend, [](const PlacementRequest& request) { return !request.hints.same_host.empty(); }},
    {"DriverFilter", driver},
    {"JsonFilter", json_query, [](const PlacementRequest& request) { return !request.hints.query.is_null(); }},
    {"InstanceLocalityFilter", instance_locality, [](const PlacementRequest& request) { return !request.hints.local_to_instance.empty(); }},
    {"RetryFilter", [](const Candidate&, const PlacementRequest&) -> Examined { return std::nullopt; }},  // stands anyway
};

}  // namespace

std::span<const Filter> known_filters() { return configurable; }
std::span<const Filter> standing_filters() { return standing; }

}  // namespace scoria::scheduler
