#include "api/backends/handlers.h"

#include "json/writer.h"
#include "store/services/activity.h"

namespace scoria::api {
namespace {

using store::services::Activity;

/// Why not all of its living nodes at once; empty: they may.
const Activity* who_forbids(std::span<const Activity> nodes) {
  const auto found = std::find_if(nodes.begin(), nodes.end(), [](const Activity& one) { return one.up && !one.unproven.empty(); });
  return found == nodes.end() ? nullptr : &*found;
}

void write(json::Writer& out, std::span<const Activity> nodes) {
  const Activity* forbids = who_forbids(nodes);
  const auto owner = std::find_if(nodes.begin(), nodes.end(), [](const Activity& one) { return one.up && one.activity == store::services::owner; });
  out.begin_object().field("name", std::string_view{nodes.front().backend}).field("activity", forbids == nullptr ? "active-active" : "one-owner");
  out.key("reason").string_or_null(forbids == nullptr ? "" : forbids->unproven);
  out.key("owner").string_or_null(owner == nodes.end() ? "" : owner->host);
  out.key("nodes").begin_array();
  for (const Activity& one : nodes)
    out.begin_object().field("host", std::string_view{one.host}).field("state", one.up ? "up" : "down").field("activity", std::string_view{one.activity}).end_object();
  out.end_array().end_object();
}

Answer list(Services& services, ApiRequest& request) {
  const std::vector<Activity> all = services.database.read_one([](db::Transaction& tx) { return store::services::activities(tx); });
  json::Writer out;
  out.begin_object().key("backends").begin_array();
  for (auto begin = all.begin(); begin != all.end();) {
    const auto end = std::find_if(begin, all.end(), [&](const Activity& one) { return one.backend != begin->backend; });
    write(out, {begin, end});
    begin = end;
  }
  return request.reply(out.end_array().end_object().take());
}

}  // namespace

void mount_backends(Handlers& handlers, Services& services) {
  handlers.mount("scoria.backends.list", [&services](ApiRequest& request) { return list(services, request); });
}

}  // namespace scoria::api
