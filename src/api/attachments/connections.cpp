#include "api/attachments/common.h"
#include "api/attachments/handlers.h"
#include "api/volumes/load.h"
#include "json/parse.h"
#include "json/writer.h"
#include "store/attachments/attachments.h"

namespace scoria::api {
namespace {

namespace attachments = store::attachments;

std::vector<Attachment> attachments_of(Services& services, const VolumeId& volume) {
  return services.database.read([&](db::Transaction& tx) { return attachments::of_volume(tx, volume); });
}

Answer reply_connection(Services& services, ApiRequest& request, const AttachmentId& id) {
  const auto now = services.database.read([&](db::Transaction& tx) { return attachments::find(tx, id); });
  if (!now) return refuse(RefusalCode::not_found, "Volume attachment could not be found with filter: attachment_id = {}.", id.text);
  const ConnectionShape connection = open_connection(services, *now);
  json::Writer out;
  out.begin_object().key("connection_info").begin_object().field("driver_volume_type", std::string_view{connection.type});
  out.field("enforce_multipath", false).key("data").raw(connection.data);
  return request.reply(out.end_object().end_object().take());
}

/// Each old connection is a hidden attachment, so that names of exports never return.
Answer initialize(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const json::Value& given = request.payload()["connector"];
  if (!given.is_object()) return refuse(RefusalCode::invalid_input, "Must specify 'connector'.");
  const auto connector = read_connector(given);
  if (!connector) return refuse(connector.error());
  for (const Attachment& one : attachments_of(services, volume->id))
    if (one.hidden && one.attached_host == connector->host && one.x_op.empty() && !open_connection(services, one).type.empty())
      return reply_connection(services, request, one.id);
  const auto attaching = commands::create_attachment(services.commands, request.context, volume->id, {.connect = true, .connector = *connector, .hidden = true});
  if (!attaching) return refuse(attaching.error());
  return after(services, request, *attaching, [&services, id = attaching->attachment.id](ApiRequest& again, const std::any&) { return reply_connection(services, again, id); });
}

/// Ends the hidden attachments of one host (of all hosts without a connector), one after the other.
Answer end_connections(Services& services, ApiRequest& request, const VolumeId& volume, const std::string& host, std::function<Answer(ApiRequest&)> done) {
  for (const Attachment& one : attachments_of(services, volume)) {
    if (!one.hidden || (!host.empty() && one.attached_host != host)) continue;
    const auto removing = commands::remove_attachment(services.commands, request.context, one);
    if (!removing) return refuse(removing.error());
    return after(services, request, *removing,
                 [&services, volume, host, done](ApiRequest& again, const std::any&) { return end_connections(services, again, volume, host, done); });
  }
  return done(request);
}

Answer terminate(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  if (auto allowed = may_cut_off(services, request, volume->id); !allowed) return refuse(allowed.error());
  // A host that is no text must not end the connections of all hosts.
  const json::Value& given = request.payload()["connector"];
  std::string host;
  if (given.is_object() && !given.object().empty()) {
    const auto connector = read_connector(given);
    if (!connector) return refuse(connector.error());
    host = connector->host;
  }
  return end_connections(services, request, volume->id, host, [](ApiRequest& again) -> Answer { return again.reply(); });
}

Answer attach(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const json::Value& body = request.payload();
  const std::string mode = body.text_or("mode");
  if (body.text_or("instance_uuid").empty() == body.text_or("host_name").empty())
    return refuse(RefusalCode::invalid_input, "Invalid request to attach volume to an invalid target: either instance_uuid or host_name must be given.");
  const auto done = commands::record_attach(services.commands, request.context, *volume,
                                            {body.text_or("instance_uuid"), body.text_or("host_name"), body.text_or("mountpoint"), mode});
  if (!done) return refuse(done.error());
  return request.reply();
}

Answer detach(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  if (auto allowed = may_cut_off(services, request, volume->id, request.payload().text_or("attachment_id")); !allowed) return refuse(allowed.error());
  const auto done = commands::record_detach(services.commands, *volume, request.payload().text_or("attachment_id"));
  if (!done) return refuse(done.error());
  return request.reply();
}

/// Cuts off first, then forgets: everything that the volume exports, or one attachment of it.
Answer force_detach(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const std::string wanted = request.payload().text_or("attachment_id");
  if (auto allowed = may_cut_off(services, request, volume->id, wanted); !allowed) return refuse(allowed.error());
  for (const Attachment& one : attachments_of(services, volume->id)) {
    if (!wanted.empty() && one.id.text != wanted && !one.hidden) continue;
    const auto removing = commands::remove_attachment(services.commands, request.context, one);
    if (!removing) return refuse(removing.error());
    return after(services, request, *removing, [&services](ApiRequest& again, const std::any&) { return force_detach(services, again); });
  }
  return request.reply();
}

}  // namespace

void mount_connections(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("volumes.os-initialize_connection", initialize);
  mount("volumes.os-terminate_connection", terminate);
  mount("volumes.os-attach", attach);
  mount("volumes.os-detach", detach);
  mount("volumes.os-force_detach", force_detach);
}

}  // namespace scoria::api
