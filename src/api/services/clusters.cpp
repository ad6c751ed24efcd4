#include <algorithm>
#include <charconv>

#include "api/listing.h"
#include "api/services/handlers.h"
#include "commands/services/state.h"
#include "store/services/clusters.h"
#include "store/services/services.h"

namespace scoria::api {
namespace {

using store::clusters::Cluster;

constexpr int replication_since = 26;

/// What a list may be restricted by: the parameter as text against the cluster. Nothing: the text makes no sense.
struct ClusterFilter {
  std::string_view name;
  int since;
  std::optional<bool> (*holds)(const Cluster&, const std::string& wanted);
};

std::optional<bool> equal(bool is, const std::string& wanted) {
  const auto flag = read_flag(wanted);
  return flag ? std::optional(*flag == is) : std::nullopt;
}

std::optional<bool> equal(std::int64_t is, const std::string& wanted) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  return error == std::errc{} && end == wanted.data() + wanted.size() ? std::optional(number == is) : std::nullopt;
}

constexpr ClusterFilter filters[] = {
    {"name", 0, [](const Cluster& c, const std::string& wanted) { return std::optional(c.name == wanted); }},
    {"binary", 0, [](const Cluster&, const std::string& wanted) { return std::optional(wanted == store::services::volume_binary); }},
    {"is_up", 0, [](const Cluster& c, const std::string& wanted) { return equal(c.up(), wanted); }},
    {"disabled", 0, [](const Cluster& c, const std::string& wanted) { return equal(c.disabled, wanted); }},
    {"num_hosts", 0, [](const Cluster& c, const std::string& wanted) { return equal(c.hosts, wanted); }},
    {"num_down_hosts", 0, [](const Cluster& c, const std::string& wanted) { return equal(c.down_hosts, wanted); }},
    {"replication_status", replication_since, [](const Cluster& c, const std::string& wanted) { return std::optional(c.replication_status == wanted); }},
    {"frozen", replication_since, [](const Cluster& c, const std::string& wanted) { return equal(c.frozen, wanted); }},
    {"active_backend_id", replication_since, [](const Cluster& c, const std::string& wanted) { return std::optional(c.active_backend_id == wanted); }},
};

void write_summary(json::Writer& out, const ApiRequest& request, const Cluster& cluster) {
  out.field("name", std::string_view{cluster.name}).field("binary", store::services::volume_binary);
  out.field("state", cluster.up() ? "up" : "down").field("status", cluster.disabled ? "disabled" : "enabled");
  if (request.since(replication_since)) out.key("replication_status").string_or_null(cluster.replication_status);
}

void write_cluster(json::Writer& out, const ApiRequest& request, const Cluster& cluster, bool detail) {
  const auto time = [&](std::string_view name, Timestamp at) { out.key(name).string_or_null(at ? to_iso(at) : std::string{}); };
  out.begin_object();
  write_summary(out, request, cluster);
  if (detail) {
    out.field("num_hosts", cluster.hosts).field("num_down_hosts", cluster.down_hosts);
    time("last_heartbeat", cluster.last_heartbeat), time("created_at", cluster.created_at), time("updated_at", cluster.updated_at);
    out.key("disabled_reason").string_or_null(cluster.disabled_reason);
    if (request.since(replication_since)) {
      out.field("frozen", cluster.frozen);
      out.key("active_backend_id").string_or_null(cluster.active_backend_id);
    }
  }
  out.end_object();
}

/// Keeps those that every parameter holds for. An unknown parameter is refused.
Result<std::vector<Cluster>> chosen(const ApiRequest& request, std::vector<Cluster> clusters) {
  for (const auto& [key, value] : request.http->query) {
    const auto filter = std::find_if(std::begin(filters), std::end(filters), [&](const ClusterFilter& one) { return one.name == key && request.since(one.since); });
    if (filter == std::end(filters)) return refuse(RefusalCode::invalid_input, "Invalid filter keys: {}.", key);
    if (!filter->holds(Cluster{}, value)) return refuse(RefusalCode::invalid_input, "Invalid value '{}' for filter {}.", value, key);
    std::erase_if(clusters, [&, &value = value](const Cluster& one) { return !*filter->holds(one, value); });
  }
  return clusters;
}

Answer list(Services& services, ApiRequest& request, bool detail) {
  auto clusters = chosen(request, services.database.read([](db::Transaction& tx) { return store::clusters::all(tx); }));
  if (!clusters) return refuse(clusters.error());
  json::Writer out;
  out.begin_object().key("clusters").begin_array();
  for (const Cluster& cluster : *clusters) write_cluster(out, request, cluster, detail);
  return request.reply(out.end_array().end_object().take());
}

Answer show(Services& services, ApiRequest& request) {
  const std::string& name = request.capture("name");
  const std::string* binary = request.query("binary");
  const auto cluster = services.database.read_one([&](db::Transaction& tx) { return store::clusters::find(tx, name); });
  if (!cluster || (binary != nullptr && *binary != store::services::volume_binary)) return refuse(RefusalCode::not_found, "Cluster {} could not be found.", name);
  json::Writer out;
  write_cluster(out.begin_object().key("cluster"), request, *cluster, true);
  return request.reply(out.end_object().take());
}

Answer switch_to(Services& services, ApiRequest& request, bool disabled) {
  const std::string name = request.body.text_or("name"), binary = request.body.text_or("binary");
  const std::string reason = disabled ? request.body.text_or("disabled_reason") : std::string{};
  if (!binary.empty() && binary != store::services::volume_binary) return refuse(RefusalCode::not_found, "Cluster {} of {} could not be found.", name, binary);
  if (const auto done = commands::switch_cluster(services.commands, name, disabled, reason); !done) return refuse(done.error());
  const auto cluster = services.database.read_one([&](db::Transaction& tx) { return store::clusters::find(tx, name); });
  if (!cluster) return refuse(RefusalCode::not_found, "Cluster {} could not be found.", name);
  json::Writer out;
  out.begin_object().key("cluster").begin_object();
  write_summary(out, request, *cluster);
  out.key("disabled_reason").string_or_null(cluster->disabled_reason);
  return request.reply(out.end_object().end_object().take());
}

}  // namespace

void mount_clusters(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, const std::function<Answer(Services&, ApiRequest&)>& handler) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("clusters.list", [](Services& all, ApiRequest& request) { return list(all, request, false); });
  mount("clusters.detail", [](Services& all, ApiRequest& request) { return list(all, request, true); });
  mount("clusters.show", show);
  mount("clusters.enable", [](Services& all, ApiRequest& request) { return switch_to(all, request, false); });
  mount("clusters.disable", [](Services& all, ApiRequest& request) { return switch_to(all, request, true); });
}

}  // namespace scoria::api
