#include <algorithm>

#include "api/services/handlers.h"
#include "commands/services/state.h"
#include "store/services/services.h"

namespace scoria::api {
namespace {

using store::services::Content;
using store::services::Service;

Answer list(Services& services, ApiRequest& request) {
  const std::string* zone = request.query("zone");
  json::Writer out;
  out.begin_object().key("hosts").begin_array();
  for (const Service& service : services.database.read([](db::Transaction& tx) { return store::services::all(tx); })) {
    if (zone != nullptr && *zone != service.zone) continue;
    out.begin_object().field("host_name", std::string_view{service.host}).field("service", std::string_view{service.binary});
    out.field("zone", std::string_view{service.zone}).field("service-status", service.up ? "available" : "unavailable");
    out.field("service-state", service.disabled ? "disabled" : "enabled");
    out.key("last-update").string_or_null(service.updated_at ? to_iso(service.updated_at) : std::string{}).end_object();
  }
  return request.reply(out.end_array().end_object().take());
}

/// Numbers are texts here.
void write_content(json::Writer& out, const std::string& host, const Content& content) {
  out.begin_object().key("resource").begin_object().field("host", std::string_view{host}).field("project", std::string_view{content.project});
  out.field("volume_count", std::string_view{std::to_string(content.volumes)}).field("total_volume_gb", std::string_view{std::to_string(content.volume_gib)});
  out.field("snapshot_count", std::string_view{std::to_string(content.snapshots)});
  out.field("total_snapshot_gb", std::string_view{std::to_string(content.snapshot_gib)}).end_object().end_object();
}

Answer show(Services& services, ApiRequest& request) {
  const std::string& host = request.capture("host");
  std::vector<Content> contents;
  const bool known = services.database.read([&](db::Transaction& tx) {
    const std::vector<Service> all = store::services::all(tx);
    const auto found = std::find_if(all.begin(), all.end(), [&](const Service& service) {
      return service.binary == store::services::volume_binary && (service.host == host || service.backend() == host);
    });
    if (found == all.end()) return false;
    contents = store::services::contents(tx, found->backend());
    return true;
  });
  if (!known) return refuse(RefusalCode::not_found, "Host {} could not be found.", host);
  Content sum{.project = "(total)"};
  for (const Content& one : contents) {
    sum.volumes += one.volumes, sum.volume_gib += one.volume_gib;
    sum.snapshots += one.snapshots, sum.snapshot_gib += one.snapshot_gib;
  }
  json::Writer out;
  write_content(out.begin_object().key("host").begin_array(), host, sum);
  for (const Content& one : contents) write_content(out, host, one);
  return request.reply(out.end_array().end_object().take());
}

Answer update(Services& services, ApiRequest& request) {
  const std::string& host = request.capture("host");
  const std::string status = request.body.text_or("status");
  if (status.empty()) return refuse(RefusalCode::invalid_input, "Missing required element 'status' in request body.");
  const bool disabled = status == "disable";
  if (const auto done = commands::switch_host(services.commands, host, disabled); !done) return refuse(done.error());
  json::Writer out;
  out.begin_object().field("host", std::string_view{host}).field("status", disabled ? "disabled" : "enabled");
  return request.reply(out.end_object().take());
}

}  // namespace

void mount_hosts(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("os-hosts.list", list);
  mount("os-hosts.show", show);
  mount("os-hosts.update", update);
  mount("os-hosts.replace", [](Services&, ApiRequest&) -> Answer { return refuse(RefusalCode::invalid_input, "Name the host in the path: /os-hosts/<host>."); });
}

}  // namespace scoria::api
