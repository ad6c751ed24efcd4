#include "api/attachments/handlers.h"

#include "api/attachments/common.h"
#include "api/listing.h"
#include "json/parse.h"
#include "json/writer.h"
#include "store/attachments/list.h"
#include "store/volumes/volumes.h"

namespace scoria::api {
namespace {

namespace attachments = store::attachments;

PolicyTarget target_of(const Attachment& one) { return {{"project_id", one.project_id}, {"user_id", one.user_id}}; }

Result<attachments::Placed> load_placed(Services& services, ApiRequest& request) {
  const std::string& id = request.capture("attachment_id");
  auto found = services.database.read_one([&](db::Transaction& tx) { return attachments::find_placed(tx, {id}); });
  if (!found || (!request.context.is_admin && found->attachment.project_id != request.context.project_id))
    return refuse(RefusalCode::not_found, "Volume attachment could not be found with filter: attachment_id = {}.", id);
  if (request.route->check == Check::target)
    if (auto allowed = request.enforce(target_of(found->attachment)); !allowed) return refuse(allowed.error());
  return std::move(*found);
}

Result<Attachment> load(Services& services, ApiRequest& request) {
  auto placed = load_placed(services, request);
  if (!placed) return refuse(placed.error());
  return std::move(placed->attachment);
}

void write_summary(json::Writer& out, const Attachment& one) {
  out.field("id", std::string_view{one.id.text}).field("status", std::string_view{one.attach_status}).key("instance").string_or_null(one.instance_id);
  out.field("volume_id", std::string_view{one.volume_id.text});
}

/// Empty times are "" here, and the data of the connection lies flat beside its type.
void write_detail(json::Writer& out, Services& services, const Attachment& one) {
  write_summary(out, one);
  out.field("attached_at", std::string_view{one.attach_time ? to_iso(one.attach_time) : std::string{}});
  out.field("detached_at", std::string_view{one.detach_time ? to_iso(one.detach_time) : std::string{}});
  out.key("attach_mode").string_or_null(one.attach_mode).key("connection_info").begin_object();
  const ConnectionShape connection = open_connection(services, one);
  if (!connection.type.empty()) {
    const auto data = json::parse(connection.data);
    for (const auto& [key, value] : data && data->is_object() ? data->object() : json::Object{}) out.key(key).raw(json::to_text(value));
    out.field("driver_volume_type", std::string_view{connection.type}).field("attachment_id", std::string_view{one.id.text});
  }
  out.end_object();
}

Answer reply_with(Services& services, ApiRequest& request, const Attachment& one) {
  json::Writer out;
  out.begin_object().key("attachment").begin_object();
  write_detail(out, services, one);
  return request.reply(out.end_object().end_object().take());
}

Answer reply_detail(Services& services, ApiRequest& request, const AttachmentId& id, const std::any& told) {
  if (const auto* const connected = std::any_cast<Attachment>(&told)) return reply_with(services, request, *connected);
  const auto now = services.database.read_one([&](db::Transaction& tx) { return attachments::find(tx, id); });
  if (!now) return refuse(RefusalCode::not_found, "Volume attachment could not be found with filter: attachment_id = {}.", id.text);
  return reply_with(services, request, *now);
}

Answer create(Services& services, ApiRequest& request) {
  const json::Value& body = request.body["attachment"];
  commands::AttachRequest wanted;
  wanted.instance_id = body.text_or("instance_uuid");
  if (request.since(54)) wanted.mode = body.text_or("mode");
  wanted.connect = body["connector"].is_object() && !body["connector"].object().empty();
  if (wanted.connect) {
    auto connector = read_connector(body["connector"]);
    if (!connector) return refuse(connector.error());
    wanted.connector = std::move(*connector);
  }
  const std::string volume_id = body.text_or("volume_uuid");
  const auto volume = services.database.read_one([&](db::Transaction& tx) { return store::volumes::find(tx, {volume_id}); });
  if (!volume || (!request.context.is_admin && volume->project_id != request.context.project_id))
    return refuse(RefusalCode::not_found, "Volume {} could not be found.", volume_id);
  if (volume->bootable && volume->multiattach && volume->attachments > 0)
    if (auto allowed = request.enforce("volume:multiattach_bootable_volume", {{"project_id", volume->project_id}}); !allowed) return refuse(allowed.error());
  const auto attaching = commands::create_attachment(services.commands, request.context, {volume_id}, wanted, &*volume);
  if (!attaching) return refuse(attaching.error());
  return after(services, request, *attaching,
               [&services, id = attaching->attachment.id](ApiRequest& again, const std::any& told) { return reply_detail(services, again, id, told); });
}

Answer update(Services& services, ApiRequest& request) {
  const auto attachment = load(services, request);
  if (!attachment) return refuse(attachment.error());
  const auto connector = read_connector(request.body["attachment"]["connector"]);
  if (!connector) return refuse(connector.error());
  const auto attaching = commands::connect_attachment(services.commands, request.context, *attachment, *connector);
  if (!attaching) return refuse(attaching.error());
  return after(services, request, *attaching,
               [&services, id = attachment->id](ApiRequest& again, const std::any& told) { return reply_detail(services, again, id, told); });
}

Answer show(Services& services, ApiRequest& request) {
  const auto attachment = load(services, request);
  if (!attachment) return refuse(attachment.error());
  return reply_with(services, request, *attachment);
}

Answer complete(Services& services, ApiRequest& request) {
  const auto placed = load_placed(services, request);
  if (!placed) return refuse(placed.error());
  if (const auto done = commands::complete_attachment(services.commands, placed->attachment, placed->alone()); !done) return refuse(done.error());
  return request.reply();
}

/// The rest of the volume's attachments are the answer; there is none if the one that went was alone.
Answer remaining(Services& services, ApiRequest& request, const VolumeId& volume, const std::any& told) {
  const auto* const was = std::any_cast<attachments::Whereabouts>(&told);
  std::vector<Attachment> rest;
  if (was == nullptr || !was->alone) rest = services.database.read_one([&](db::Transaction& tx) { return attachments::of_volume(tx, volume); });
  json::Writer out;
  out.begin_object().key("attachments").begin_array();
  for (const Attachment& one : rest) {
    if (one.hidden) continue;
    out.begin_object();
    write_summary(out, one);
    out.end_object();
  }
  return request.reply(out.end_array().end_object().take());
}

Answer remove(Services& services, ApiRequest& request) {
  const auto placed = load_placed(services, request);
  if (!placed) return refuse(placed.error());
  const Attachment& attachment = placed->attachment;
  if (auto allowed = may_cut_off(services, request, attachment); !allowed) return refuse(allowed.error());
  Volume volume;
  volume.id = attachment.volume_id, volume.backend = placed->backend, volume.project_id = placed->volume_project, volume.attachments = placed->attachments;
  const auto removing = commands::remove_attachment(services.commands, request.context, attachment, &volume);
  if (!removing) return refuse(removing.error());
  return after(services, request, *removing,
               [&services, volume = attachment.volume_id](ApiRequest& again, const std::any& told) { return remaining(services, again, volume, told); });
}

Answer list(Services& services, ApiRequest& request, bool detail) {
  const auto query = read_list(request, attachment_list, services.lists);
  if (!query) return refuse(query.error());
  const auto listed = services.database.read([&](db::Transaction& tx) { return store::run_list(tx, attachments::list_table, *query); });
  if (!listed) return refuse(listed.error());
  json::Writer out;
  out.begin_object().key("attachments").begin_array();
  for (std::size_t i = 0; i < listed->rows.size(); ++i) {
    out.begin_object();
    const Attachment one = attachments::read(listed->rows, i);
    if (detail)
      write_detail(out, services, one);
    else
      write_summary(out, one);
    out.end_object();
  }
  return request.reply(out.end_array().end_object().take());
}

}  // namespace

void mount_attachments(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("attachments.create", create);
  mount("attachments.update", update);
  mount("attachments.show", show);
  mount("attachments.os-complete", complete);
  mount("attachments.delete", remove);
  handlers.mount("attachments.list", [&services](ApiRequest& request) { return list(services, request, false); });
  handlers.mount("attachments.detail", [&services](ApiRequest& request) { return list(services, request, true); });
}

}  // namespace scoria::api
