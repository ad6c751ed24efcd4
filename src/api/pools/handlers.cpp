#include "api/pools/handlers.h"

#include <algorithm>

#include "api/listing.h"
#include "scheduler/facts.h"
#include "scheduler/filters.h"
#include "scheduler/specs.h"
#include "store/pools/pool_state.h"
#include "store/types/types.h"

namespace scoria::api {
namespace {

constexpr int filters_since = 28, filter_file_since = 31, type_filter_since = 35;

struct PoolFilters {
  std::vector<std::pair<std::string, std::string>> capabilities;  // "name" is one of them
  std::string volume_type;
};

/// Below 3.28 everything is shown. From 3.31 on the operator's file decides about keys, for admins too.
Result<PoolFilters> read_pool_filters(const ApiRequest& request, const ResourceFilters& allowed) {
  PoolFilters out;
  if (!request.since(filters_since)) return out;
  const std::vector<std::string>& known = allowed.of("pool");
  for (const auto& [key, value] : request.http->query) {
    if (key == "detail") continue;
    if (request.since(filter_file_since) && std::find(known.begin(), known.end(), key) == known.end())
      return refuse(RefusalCode::invalid_input, "Invalid filters {} are found in query options.", key);
    if (key != "volume_type") out.capabilities.emplace_back(key, value);
    else if (request.since(type_filter_since)) out.volume_type = value;
  }
  return out;
}

bool has(const scheduler::Candidate& candidate, const std::string& key, const std::string& wanted) {
  if (key == "name") return candidate.pool.host() == wanted;
  const json::Value* value = candidate.facts.find(key);
  return value != nullptr && scheduler::as_text(*value) == wanted;
}

/// Does the pool report what the type asks for?
bool able(const scheduler::Candidate& candidate, const scheduler::PlacementRequest& request) {
  for (const scheduler::Filter& filter : scheduler::known_filters())
    if (filter.name == "CapabilitiesFilter") return !filter.examine(candidate, request);
  return true;
}

Answer get_pools(Services& services, ApiRequest& request) {
  const auto filters = read_pool_filters(request, services.lists.filters);
  if (!filters) return refuse(filters.error());
  std::optional<VolumeType> type;
  const std::vector<PoolState> pools = services.database.read([&](db::Transaction& tx) {
    if (!filters->volume_type.empty()) type = store::types::find(tx, filters->volume_type);
    return store::pools::all_states(tx);
  });
  if (!filters->volume_type.empty() && !type) return refuse(RefusalCode::not_found, "Volume type {} could not be found.", filters->volume_type);
  scheduler::PlacementRequest wanted;
  if (type) wanted.extra_specs = type->extra_specs;
  const std::string* detail = request.query("detail");
  const bool detailed = detail != nullptr && read_flag(*detail).value_or(false);
  json::Writer out;
  out.begin_object().key("pools").begin_array();
  for (const PoolState& pool : pools) {
    const scheduler::Candidate candidate{pool, scheduler::facts_of(pool)};
    const bool chosen = std::all_of(filters->capabilities.begin(), filters->capabilities.end(),
                                    [&](const auto& filter) { return has(candidate, filter.first, filter.second); });
    if (!chosen || !able(candidate, wanted)) continue;
    out.begin_object().field("name", std::string_view{pool.host()});
    if (detailed) out.key("capabilities").value(candidate.facts);
    out.end_object();
  }
  return request.reply(out.end_array().end_object().take());
}

void write_property(json::Writer& out, std::string_view key, std::string_view title, std::string_view description) {
  out.key(key).begin_object().field("title", title).field("description", description).field("type", "boolean").end_object();
}

/// What volume types may ask of a backend; of its first pool.
Answer capabilities(Services& services, ApiRequest& request) {
  const std::string& host = request.capture("host");
  const auto pools = services.database.read([](db::Transaction& tx) { return store::pools::all_states(tx); });
  const auto found = std::find_if(pools.begin(), pools.end(), [&](const PoolState& pool) { return pool.backend == host || pool.host() == host; });
  if (found == pools.end()) return refuse(RefusalCode::not_found, "Backend {} could not be found.", host);
  const json::Value& reported = found->capabilities;
  json::Writer out;
  out.begin_object().field("namespace", std::string_view{"OS::Storage::Capabilities::" + host});
  out.field("vendor_name", std::string_view{reported.text_or("vendor_name", "Scoria")});
  out.field("volume_backend_name", std::string_view{reported.text_or("volume_backend_name")}).field("pool_name", std::string_view{found->name});
  out.key("driver_version").string_or_null(reported.text_or("driver_version"));
  out.field("storage_protocol", std::string_view{reported.text_or("storage_protocol")});
  out.field("display_name", std::string_view{reported.text_or("display_name", "Capabilities of " + found->backend)});
  out.key("description").string_or_null(reported.text_or("description")).field("visibility", "public");
  out.key("replication_targets").begin_array().end_array().key("properties").begin_object();
  if (found->thin) write_property(out, "thin_provisioning", "Thin Provisioning", "Space is taken as it is written.");
  if (found->multiattach) write_property(out, "multiattach", "Multiattach", "A volume may be attached to several hosts.");
  return request.reply(out.end_object().end_object().take());
}

}  // namespace

void mount_pools(Handlers& handlers, Services& services) {
  handlers.mount("scheduler-stats.get_pools", [&services](ApiRequest& request) { return get_pools(services, request); });
  handlers.mount("capabilities.show", [&services](ApiRequest& request) { return capabilities(services, request); });
}

}  // namespace scoria::api
