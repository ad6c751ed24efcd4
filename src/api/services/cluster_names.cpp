#include "api/services/handlers.h"
#include "commands/services/clusters.h"

// Scoria's own calls: backends become clusters, get other names, and end.
namespace scoria::api {
namespace {

Answer tell(const ApiRequest& request, const Result<commands::RenamedBackend>& done) {
  if (!done) return refuse(done.error());
  json::Writer out;
  out.begin_object().field("backend", std::string_view{done->name}).key("moved").begin_object();
  out.field("volumes", done->moved.volumes).field("snapshots", done->moved.snapshots).field("objects", done->moved.objects);
  out.field("operations", done->moved.operations);
  return request.reply(out.end_object().end_object().take());
}

Result<std::string> needed(const ApiRequest& request, const char* member) {
  std::string text = request.body.text_or(member);
  if (text.empty()) return refuse(RefusalCode::invalid_input, "Missing required element '{}' in request body.", member);
  return text;
}

Answer adopt(Services& services, ApiRequest& request) {
  const auto cluster = needed(request, "cluster");
  if (!cluster) return refuse(cluster.error());
  return tell(request, commands::adopt_backend(services.commands, request.capture("backend"), *cluster));
}

Answer rename(Services& services, ApiRequest& request) {
  const auto name = needed(request, "name");
  if (!name) return refuse(name.error());
  return tell(request, commands::rename_cluster(services.commands, request.capture("cluster"), *name));
}

/// With a host: its backend again. Without: it is forgotten.
Answer remove(Services& services, ApiRequest& request) {
  const std::string& cluster = request.capture("cluster");
  if (const std::string* host = request.query("host"); host != nullptr && !host->empty()) return tell(request, commands::dissolve_cluster(services.commands, cluster, *host));
  if (const auto done = commands::remove_cluster(services.commands, cluster); !done) return refuse(done.error());
  return tell(request, commands::RenamedBackend{cluster, {}});
}

}  // namespace

void mount_cluster_names(Handlers& handlers, Services& services) {
  handlers.mount("scoria.backends.adopt", [&services](ApiRequest& request) { return adopt(services, request); });
  handlers.mount("scoria.clusters.rename", [&services](ApiRequest& request) { return rename(services, request); });
  handlers.mount("scoria.clusters.remove", [&services](ApiRequest& request) { return remove(services, request); });
}

}  // namespace scoria::api
