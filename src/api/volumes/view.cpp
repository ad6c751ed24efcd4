#include "api/volumes/view.h"

#include "api/view.h"

namespace scoria::api {
namespace {

using Field = ViewField<VolumeSight, VolumeView>;
using Out = json::Writer;
using Sight = VolumeSight;
using View = VolumeView;

/// States that Cinder keeps to itself are shown as their public neighbours.
std::string_view shown(VolumeStatus status) {
  if (status == VolumeStatus::managing) return to_text(VolumeStatus::creating);
  if (status == VolumeStatus::error_managing) return to_text(VolumeStatus::error);
  if (status == VolumeStatus::error_managing_deleting) return to_text(VolumeStatus::deleting);
  return to_text(status);
}

void write_attachments(Out& out, const Sight& sight, const View& view) {
  out.begin_array();
  for (const Attachment& attachment : view.attachments) {
    if (attachment.attach_status != "attached") continue;
    out.begin_object();
    out.field("id", view.volume.id.text).field("attachment_id", attachment.id.text).field("volume_id", view.volume.id.text);
    out.key("server_id").string_or_null(attachment.instance_id);
    out.key("host_name").string_or_null(sight.admin ? attachment.attached_host : std::string{});
    out.key("device").string_or_null(attachment.mountpoint);
    write_time(out.key("attached_at"), attachment.attach_time);
    out.end_object();
  }
  out.end_array();
}

/// Admin metadata that everybody may see is merged into the user's.
void write_metadata(Out& out, const View& view) {
  const std::string& own = view.volume.metadata;
  if (!view.volume.readonly) {
    out.raw(own.empty() ? "{}" : own);
    return;
  }
  out.raw(own.size() > 2 ? own.substr(0, own.size() - 1) + ",\"readonly\":\"True\"}" : R"({"readonly":"True"})");
}

bool to_admins(const Sight& sight, const View&) { return sight.admin; }

constexpr Field members[] = {
    {"id", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string(v.volume.id.text); }},
    {"status", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string(shown(v.volume.status)); }},
    {"size", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.integer(v.volume.size_gib); }},
    {"availability_zone", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.volume.availability_zone); }},
    {"created_at", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { write_time(out, v.volume.created_at); }},
    {"updated_at", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { write_time(out, v.volume.updated_at); }},
    {"attachments", 0, no_limit, nullptr, write_attachments},
    {"name", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.volume.name); }},
    {"description", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.volume.description); }},
    {"volume_type", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.type_name); }},
    {"snapshot_id", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.volume.snapshot_id); }},
    {"source_volid", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.volume.source_volid); }},
    {"metadata", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { write_metadata(out, v); }},
    {"user_id", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string(v.volume.user_id); }},
    {"bootable", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string(v.volume.bootable ? "true" : "false"); }},
    {"encrypted", 0, no_limit, nullptr, [](Out& out, const Sight&, const View&) { out.boolean(false); }},
    {"replication_status", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.volume.replication_status); }},
    {"consistencygroup_id", 0, no_limit, nullptr, [](Out& out, const Sight&, const View&) { out.null(); }},
    {"multiattach", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.boolean(v.volume.multiattach); }},
    {"migration_status", 0, no_limit, [](const Sight& sight, const View&) { return sight.migration_attribute; },
     [](Out& out, const Sight&, const View& v) { out.string_or_null(v.volume.migration_status); }},
    {"group_id", 13, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.volume.group_id); }},
    {"provider_id", 21, no_limit, to_admins, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.volume.provider_name); }},
    {"service_uuid", 48, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.service_uuid); }},
    {"shared_targets", 48, no_limit, nullptr, [](Out& out, const Sight&, const View&) { out.boolean(false); }},
    {"cluster_name", 61, no_limit, to_admins, [](Out& out, const Sight&, const View&) { out.null(); }},
    {"volume_type_id", 63, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string(v.volume.type.text); }},
    {"consumes_quota", 65, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.boolean(v.volume.consumes_quota); }},
};

// Not in the answer to a create.
constexpr Field extended_members[] = {
    {"os-vol-host-attr:host", 0, no_limit, [](const Sight& sight, const View&) { return sight.host_attribute; },
     [](Out& out, const Sight&, const View& v) { out.string_or_null(host_of(v.volume)); }},
    {"os-vol-tenant-attr:tenant_id", 0, no_limit, [](const Sight& sight, const View&) { return sight.tenant_attribute; },
     [](Out& out, const Sight&, const View& v) { out.string(v.volume.project_id); }},
    {"os-vol-mig-status-attr:migstat", 0, no_limit, [](const Sight& sight, const View&) { return sight.migration_attribute; },
     [](Out& out, const Sight&, const View& v) { out.string_or_null(v.volume.migration_status); }},
    {"os-vol-mig-status-attr:name_id", 0, no_limit, [](const Sight& sight, const View&) { return sight.migration_attribute; },
     [](Out& out, const Sight&, const View&) { out.null(); }},
    {"volume_image_metadata", 0, no_limit, [](const Sight& sight, const View& v) { return sight.image_metadata && v.volume.image_metadata.size() > 2; },
     [](Out& out, const Sight&, const View& v) { out.raw(v.volume.image_metadata); }},
};

}  // namespace

VolumeSight::VolumeSight(const ApiRequest& request)
    : admin(request.context.is_admin || request.context.has_role("service")),
      host_attribute(request.allows("volume_extension:volume_host_attribute")),
      tenant_attribute(request.allows("volume_extension:volume_tenant_attribute")),
      migration_attribute(request.allows("volume_extension:volume_mig_status_attribute")),
      image_metadata(request.allows("volume_extension:volume_image_metadata:show")) {}

void write_volume_summary(json::Writer& out, const ApiRequest& request, const Volume& volume) {
  out.begin_object().field("id", volume.id.text).key("name").string_or_null(volume.name);
  request.links.write(out, "volumes", volume.id.text);
  out.end_object();
}

void write_volume(json::Writer& out, const ApiRequest& request, const VolumeSight& sight, const VolumeView& view, VolumeForm form) {
  out.begin_object();
  write_members<VolumeSight, VolumeView>(out, members, request.version, sight, view);
  request.links.write(out, "volumes", view.volume.id.text);
  if (form == VolumeForm::detail) write_members<VolumeSight, VolumeView>(out, extended_members, request.version, sight, view);
  out.end_object();
}

}  // namespace scoria::api
