#include "api/nodes/handlers.h"

#include "engine/nodes.h"

namespace scoria::api {
namespace {

Answer list(Services& services, ApiRequest& request) {
  json::Writer out;
  out.begin_object().key("nodes").begin_array();
  for (const engine::NodeSeen& node : services.database.read([](db::Transaction& tx) { return engine::list_nodes(tx); })) {
    out.begin_object().field("node", node.incarnation).field("host", std::string_view{node.host}).field("roles", std::string_view{node.roles});
    out.field("release", std::string_view{node.release}).field("state", std::string_view{node.state}).field("alive", node.alive);
    out.field("lease_ms", static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(node.lease_left).count()));
    out.field("running_operations", node.running).field("started_at", std::string_view{to_iso(node.started_at)}).end_object();
  }
  return request.reply(out.end_array().end_object().take());
}

Answer rest(Services& services, ApiRequest& request, bool resting) {
  if (const auto done = engine::set_resting(services.database, request.capture("node"), resting); !done) return refuse(done.error());
  return request.reply();
}

}  // namespace

void mount_nodes(Handlers& handlers, Services& services) {
  handlers.mount("scoria.nodes.list", [&services](ApiRequest& request) { return list(services, request); });
  handlers.mount("scoria.nodes.drain", [&services](ApiRequest& request) { return rest(services, request, true); });
  handlers.mount("scoria.nodes.resume", [&services](ApiRequest& request) { return rest(services, request, false); });
}

}  // namespace scoria::api
