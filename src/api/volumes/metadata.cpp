#include "api/maps.h"
#include "api/volumes/handlers.h"
#include "api/volumes/load.h"
#include "commands/volumes/update.h"

namespace scoria::api {
namespace {

using commands::VolumeMap;

/// If-Match (3.15): the change is refused when the map is no longer what the caller saw.
Result<> still_matches(const ApiRequest& request, const Volume& volume) {
  const std::string* wanted = request.since(15) ? request.http->headers.find("If-Match") : nullptr;
  if (wanted == nullptr || *wanted == etag_of(python_text("metadata", volume.metadata))) return {};
  return refuse(RefusalCode::precondition_failed, "The metadata changed meanwhile.");
}

http::Response reply_map(const ApiRequest& request, const std::string& map) {
  http::Response response = request.reply(python_text("metadata", map));
  if (request.since(15)) response.headers.set("Etag", etag_of(response.body));
  return response;
}

Answer list(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  return reply_map(request, volume->metadata);
}

Answer change(Services& services, ApiRequest& request, const commands::MapChange& how) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  if (const auto matches = still_matches(request, *volume); !matches) return refuse(matches.error());
  const auto after = commands::change_volume_map(services.commands, volume->id, VolumeMap::metadata, how);
  if (!after) return refuse(after.error());
  return request.reply(python_text("metadata", *after));
}

Answer create(Services& services, ApiRequest& request) {
  return change(services, request, [&](const std::string& before) { return merged(before, request.body["metadata"]); });
}

Answer replace(Services& services, ApiRequest& request) {
  return change(services, request, [&](const std::string&) { return replaced(request.body["metadata"]); });
}

Answer show_item(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const auto value = entry(volume->metadata, request.capture("key"));
  if (!value) return refuse(value.error());
  json::Writer out;
  out.begin_object().key("meta").begin_object().field(request.capture("key"), std::string_view{*value});
  return request.reply(out.end_object().end_object().take());
}

Answer update_item(Services& services, ApiRequest& request) {
  const json::Value& meta = request.body["meta"];
  if (!meta.is_object() || meta.object().size() != 1) return refuse(RefusalCode::invalid_input, "Request body contains too many items.");
  if (meta.object().front().first != request.capture("key")) return refuse(RefusalCode::invalid_input, "Request body and URI mismatch.");
  Answer answer = change(services, request, [&](const std::string& before) { return merged(before, meta); });
  if (!std::holds_alternative<http::Response>(answer.value)) return answer;
  json::Writer out;
  out.begin_object().key("meta").begin_object().field(request.capture("key"), std::string_view{meta.object().front().second.string()});
  return request.reply(out.end_object().end_object().take());
}

Answer remove_item(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const auto after = commands::change_volume_map(services.commands, volume->id, VolumeMap::metadata,
                                                 [&](const std::string& before) { return without(before, request.capture("key")); });
  if (!after) return refuse(after.error());
  return request.reply();
}

}  // namespace

void mount_volume_metadata(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("volumes.metadata.list", list);
  mount("volumes.metadata.create", create);
  mount("volumes.metadata.replace", replace);
  mount("volumes.metadata.show", show_item);
  mount("volumes.metadata.update", update_item);
  mount("volumes.metadata.delete", remove_item);
}

}  // namespace scoria::api
