#include "api/services/handlers.h"

#include <map>

#include "commands/services/state.h"
#include "store/services/services.h"

namespace scoria::api {
namespace {

using store::services::Service;

std::vector<Service> read_all(Services& services) {
  return services.database.read([](db::Transaction& tx) { return store::services::all(tx); });
}

bool chosen(const ApiRequest& request, const Service& service) {
  const std::string* host = request.query("host");
  const std::string* binary = request.query("binary");
  if (binary == nullptr) binary = request.query("service");
  if (binary != nullptr && *binary != service.binary) return false;
  return host == nullptr || *host == service.host || service.host.starts_with(*host + "@");
}

void write_service(json::Writer& out, const ApiRequest& request, const Service& service) {
  const bool serves_volumes = service.binary == store::services::volume_binary;
  out.begin_object().field("binary", std::string_view{service.binary}).field("host", std::string_view{service.host});
  out.field("zone", std::string_view{service.zone}).field("status", service.disabled ? "disabled" : "enabled").field("state", service.up ? "up" : "down");
  out.key("updated_at").string_or_null(service.updated_at ? to_iso(service.updated_at) : std::string{});
  out.key("disabled_reason").string_or_null(service.disabled_reason);
  if (request.since(7)) out.key("cluster").string_or_null(service.cluster);
  if (serves_volumes) {
    out.key("replication_status").string_or_null(service.replication_status);
    out.key("active_backend_id").string_or_null(service.active_backend_id);
    out.field("frozen", service.frozen);
    if (request.since(49)) out.field("backend_state", service.up && service.backend_up ? "up" : "down");
  }
  out.end_object();
}

Answer list(Services& services, ApiRequest& request) {
  json::Writer out;
  out.begin_object().key("services").begin_array();
  for (const Service& service : read_all(services))
    if (chosen(request, service)) write_service(out, request, service);
  return request.reply(out.end_array().end_object().take());
}

Answer switch_to(Services& services, ApiRequest& request, bool disabled, bool with_reason) {
  const std::string host = request.body.text_or("host"), service = request.body.text_or("service"), binary = request.body.text_or("binary");
  const std::string cluster = host.empty() && request.since(7) ? request.body.text_or("cluster") : std::string{};
  const std::string reason = with_reason ? request.body.text_or("disabled_reason") : std::string{};
  if (host.empty() && cluster.empty()) return refuse(RefusalCode::invalid_input, "Missing required element 'host' in request body.");
  if (binary.empty() && service.empty()) return refuse(RefusalCode::invalid_input, "Missing required element 'binary' in request body.");
  if (with_reason && reason.empty()) return refuse(RefusalCode::invalid_input, "Missing required element 'disabled_reason' in request body.");
  const auto done = cluster.empty() ? commands::switch_service(services.commands, host, binary.empty() ? service : binary, disabled, reason)
                                    : commands::switch_cluster(services.commands, cluster, disabled, reason);
  if (!done) return refuse(done.error());
  json::Writer out;
  out.begin_object().key("host").string_or_null(host);
  if (!cluster.empty()) out.field("cluster", std::string_view{cluster});
  out.field("service", std::string_view{service}).field("binary", std::string_view{binary});
  out.field("status", disabled ? "disabled" : "enabled").field("disabled", disabled);
  if (with_reason) out.field("disabled_reason", std::string_view{reason});
  return request.reply(out.end_object().take());
}

/// The backend of a body: its host, or from 3.26 on its cluster; exactly one. A host of a cluster means the whole cluster:
/// they have one storage.
Result<std::string> read_backend(Services& services, const ApiRequest& request) {
  const std::string host = request.body.text_or("host"), cluster = request.since(26) ? request.body.text_or("cluster") : std::string{};
  if (host.empty() == cluster.empty())
    return refuse(RefusalCode::invalid_input, "{}", host.empty() ? "One of 'host' and 'cluster' is needed in the request body." : "'host' and 'cluster' exclude each other.");
  if (host.empty()) return cluster;
  for (const Service& service : read_all(services))
    if (service.binary == store::services::volume_binary && service.host == host) return service.backend();
  return host;
}

Answer freeze(Services& services, ApiRequest& request, bool frozen) {
  if (const auto allowed = request.enforce(frozen ? "volume:freeze_host" : "volume:thaw_host"); !allowed) return refuse(allowed.error());
  const auto backend = read_backend(services, request);
  if (!backend) return refuse(backend.error());
  if (const auto done = commands::set_frozen(services.commands, *backend, frozen); !done) return refuse(done.error());
  return request.reply();
}

Answer failover(Services& services, ApiRequest& request) {
  if (const auto allowed = request.enforce("volume:failover_host"); !allowed) return refuse(allowed.error());
  const auto backend = read_backend(services, request);
  if (!backend) return refuse(backend.error());
  for (const Service& service : read_all(services)) {
    if (service.binary != store::services::volume_binary || service.backend() != *backend) continue;
    if (service.replication_status == "enabled" || service.replication_status == "failed-over")
      return refuse(RefusalCode::unsupported, "Failing over is not served yet by this version of Scoria.");
    return refuse(RefusalCode::invalid_state, "Backend {} cannot fail over: it does not replicate.", *backend);
  }
  return refuse(RefusalCode::invalid_input, "Backend {} could not be found.", *backend);
}

/// A zone is available while any service of volumes in it is enabled.
Answer zones(Services& services, ApiRequest& request) {
  std::map<std::string, bool> available;
  for (const Service& service : read_all(services)) {
    if (service.binary != store::services::volume_binary) continue;
    bool& zone = available[service.zone];
    zone = zone || !service.disabled;
  }
  json::Writer out;
  out.begin_object().key("availabilityZoneInfo").begin_array();
  for (const auto& [name, is_available] : available) {
    out.begin_object().field("zoneName", std::string_view{name}).key("zoneState").begin_object().field("available", is_available).end_object();
    out.end_object();
  }
  return request.reply(out.end_array().end_object().take());
}

}  // namespace

void mount_services(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, const std::function<Answer(Services&, ApiRequest&)>& handler) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("os-services.list", list);
  mount("os-services.enable", [](Services& all, ApiRequest& request) { return switch_to(all, request, false, false); });
  mount("os-services.disable", [](Services& all, ApiRequest& request) { return switch_to(all, request, true, false); });
  mount("os-services.disable-log-reason", [](Services& all, ApiRequest& request) { return switch_to(all, request, true, true); });
  mount("os-services.freeze", [](Services& all, ApiRequest& request) { return freeze(all, request, true); });
  mount("os-services.thaw", [](Services& all, ApiRequest& request) { return freeze(all, request, false); });
  mount("os-services.failover_host", failover);
  mount("os-availability-zone.list", zones);
  mount_log_levels(handlers, services);
  mount_hosts(handlers, services);
  mount_clusters(handlers, services);
  mount_workers(handlers, services);
  mount_cluster_names(handlers, services);
}

}  // namespace scoria::api
