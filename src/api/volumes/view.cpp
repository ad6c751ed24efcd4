#include "api/volumes/view.h"

#include <array>

namespace scoria::api {
namespace {

void write_time(json::Writer& out, std::string_view name, Timestamp time) { out.key(name).string_or_null(time ? to_iso(time) : std::string{}); }
void write_text(json::Writer& out, std::string_view name, std::string_view text) { out.key(name).string_or_null(text); }

/// States that Cinder keeps to itself are shown as their public neighbours.
std::string_view shown(VolumeStatus status) {
  if (status == VolumeStatus::managing) return to_text(VolumeStatus::creating);
  if (status == VolumeStatus::error_managing) return to_text(VolumeStatus::error);
  if (status == VolumeStatus::error_managing_deleting) return to_text(VolumeStatus::deleting);
  return to_text(status);
}

void write_attachments(json::Writer& out, const VolumeSight& sight, const VolumeView& view) {
  out.key("attachments").begin_array();
  for (const Attachment& attachment : view.attachments) {
    if (attachment.attach_status != "attached") continue;
    out.begin_object();
    out.field("id", std::string_view{view.volume.id.text}).field("attachment_id", std::string_view{attachment.id.text});
    out.field("volume_id", std::string_view{view.volume.id.text});
    write_text(out, "server_id", attachment.instance_id);
    write_text(out, "host_name", sight.admin ? attachment.attached_host : std::string{});
    write_text(out, "device", attachment.mountpoint);
    write_time(out, "attached_at", attachment.attach_time);
    out.end_object();
  }
  out.end_array();
}

/// Admin metadata that everybody may see is merged into the user's.
void write_metadata(json::Writer& out, const VolumeView& view) {
  const std::string& own = view.volume.metadata;
  if (!view.volume.readonly) {
    out.key("metadata").raw(own.empty() ? "{}" : own);
    return;
  }
  std::string merged = own.size() > 2 ? own.substr(0, own.size() - 1) + ",\"readonly\":\"True\"}" : R"({"readonly":"True"})";
  out.key("metadata").raw(merged);
}

struct Field {
  int since;
  void (*write)(json::Writer&, const VolumeSight&, const VolumeView&);
};

// Everything after the fields that every version has, with the microversion that brought it.
constexpr Field later_fields[] = {
    {13, [](json::Writer& out, const VolumeSight&, const VolumeView& v) { write_text(out, "group_id", v.volume.group_id); }},
    {21, [](json::Writer& out, const VolumeSight& sight, const VolumeView& v) {
       if (sight.admin) write_text(out, "provider_id", v.volume.provider_name);
     }},
    {48, [](json::Writer& out, const VolumeSight&, const VolumeView& v) { write_text(out, "service_uuid", v.service_uuid); }},
    {48, [](json::Writer& out, const VolumeSight&, const VolumeView&) { out.field("shared_targets", false); }},
    {61, [](json::Writer& out, const VolumeSight& sight, const VolumeView&) {
       if (sight.admin) out.key("cluster_name").null();
     }},
    {63, [](json::Writer& out, const VolumeSight&, const VolumeView& v) { out.field("volume_type_id", std::string_view{v.volume.type.text}); }},
    {65, [](json::Writer& out, const VolumeSight&, const VolumeView& v) { out.field("consumes_quota", v.volume.consumes_quota); }},
};

void write_extended_attributes(json::Writer& out, const VolumeSight& sight, const Volume& volume) {
  if (sight.host_attribute) write_text(out, "os-vol-host-attr:host", host_of(volume));
  if (sight.tenant_attribute) out.field("os-vol-tenant-attr:tenant_id", std::string_view{volume.project_id});
  if (sight.migration_attribute) {
    write_text(out, "os-vol-mig-status-attr:migstat", volume.migration_status);
    out.key("os-vol-mig-status-attr:name_id").null();
  }
  if (sight.image_metadata && volume.image_metadata.size() > 2) out.key("volume_image_metadata").raw(volume.image_metadata);
}

}  // namespace

VolumeSight::VolumeSight(const ApiRequest& request)
    : admin(request.context.is_admin || request.context.has_role("service")),
      host_attribute(request.allows("volume_extension:volume_host_attribute")),
      tenant_attribute(request.allows("volume_extension:volume_tenant_attribute")),
      migration_attribute(request.allows("volume_extension:volume_mig_status_attribute")),
      image_metadata(request.allows("volume_extension:volume_image_metadata:show")) {}

void write_volume_summary(json::Writer& out, const ApiRequest& request, const Volume& volume) {
  out.begin_object().field("id", std::string_view{volume.id.text});
  write_text(out, "name", volume.name);
  request.links.write(out, "volumes", volume.id.text);
  out.end_object();
}

void write_volume(json::Writer& out, const ApiRequest& request, const VolumeSight& sight, const VolumeView& view, VolumeForm form) {
  const Volume& v = view.volume;
  out.begin_object();
  out.field("id", std::string_view{v.id.text}).field("status", shown(v.status)).field("size", v.size_gib);
  write_text(out, "availability_zone", v.availability_zone);
  write_time(out, "created_at", v.created_at);
  write_time(out, "updated_at", v.updated_at);
  write_attachments(out, sight, view);
  write_text(out, "name", v.name);
  write_text(out, "description", v.description);
  write_text(out, "volume_type", view.type_name);
  write_text(out, "snapshot_id", v.snapshot_id);
  write_text(out, "source_volid", v.source_volid);
  write_metadata(out, view);
  request.links.write(out, "volumes", v.id.text);
  out.field("user_id", std::string_view{v.user_id}).field("bootable", v.bootable ? "true" : "false").field("encrypted", false);
  write_text(out, "replication_status", v.replication_status);
  out.key("consistencygroup_id").null();
  out.field("multiattach", v.multiattach);
  if (sight.migration_attribute) write_text(out, "migration_status", v.migration_status);
  for (const Field& field : later_fields)
    if (request.since(field.since)) field.write(out, sight, view);
  if (form == VolumeForm::detail) write_extended_attributes(out, sight, v);
  out.end_object();
}

}  // namespace scoria::api
