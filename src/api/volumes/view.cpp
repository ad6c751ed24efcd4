#include "api/volumes/view.h"

#include "api/view.h"

namespace scoria::api {
namespace {

using Out = json::Writer;
using Sight = VolumeSight;
using View = store::volumes::Shown;
using Field = ViewField<Sight, View>;

/// States that Cinder keeps to itself are shown as their public neighbours.
std::string_view shown(std::string_view status) {
  if (status == "managing") return "creating";
  if (status == "error_managing") return "error";
  if (status == "error_managing_deleting") return "deleting";
  return status;
}

/// Admin metadata that everybody may see is merged into the user's.
void write_metadata(Out& out, const View& v) {
  if (!v.readonly) {
    out.raw(v.metadata.empty() ? "{}" : v.metadata);
    return;
  }
  out.raw(v.metadata.size() > 2 ? fmt::format("{},\"readonly\":\"True\"}}", v.metadata.substr(0, v.metadata.size() - 1)) : R"({"readonly":"True"})");
}

void write_cluster(Out& out, const View& v) {
  if (v.cluster.empty()) out.null();
  else out.string({v.cluster, "#", v.pool});
}

void write_host(Out& out, const View& v) {
  if (v.backend.empty()) out.null();
  else out.string({v.backend, "#", v.pool});
}

bool to_admins(const Sight& sight, const View&) { return sight.admin; }

constexpr Field members[] = {
    {"id", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string(v.id); }},
    {"status", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string(shown(v.status)); }},
    {"size", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.integer(v.size_gib); }},
    {"availability_zone", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.zone); }},
    {"created_at", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { write_time(out, v.created_at); }},
    {"updated_at", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { write_time(out, v.updated_at); }},
    {"attachments", 0, no_limit, nullptr, [](Out& out, const Sight& sight, const View& v) { write_attachments(out, sight, v.id, v.attachments); }},
    {"name", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.name); }},
    {"description", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.description); }},
    {"volume_type", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.type_name); }},
    {"snapshot_id", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.snapshot_id); }},
    {"source_volid", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.source_volid); }},
    {"metadata", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { write_metadata(out, v); }},
    {"user_id", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string(v.user_id); }},
    {"bootable", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string(v.bootable ? "true" : "false"); }},
    {"encrypted", 0, no_limit, nullptr, [](Out& out, const Sight&, const View&) { out.boolean(false); }},
    {"replication_status", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.replication_status); }},
    {"consistencygroup_id", 0, no_limit, nullptr, [](Out& out, const Sight&, const View&) { out.null(); }},
    {"multiattach", 0, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.boolean(v.multiattach); }},
    {"migration_status", 0, no_limit, [](const Sight& sight, const View&) { return sight.migration_attribute; },
     [](Out& out, const Sight&, const View& v) { out.string_or_null(v.migration_status); }},
    {"group_id", 13, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.group_id); }},
    {"provider_id", 21, no_limit, to_admins, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.provider_name); }},
    {"service_uuid", 48, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string_or_null(v.service_uuid); }},
    {"shared_targets", 48, no_limit, nullptr, [](Out& out, const Sight&, const View&) { out.boolean(false); }},
    {"cluster_name", 61, no_limit, to_admins, [](Out& out, const Sight&, const View& v) { write_cluster(out, v); }},
    {"volume_type_id", 63, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.string(v.type); }},
    {"consumes_quota", 65, no_limit, nullptr, [](Out& out, const Sight&, const View& v) { out.boolean(v.consumes_quota); }},
};

// Not in the answer to a create.
constexpr Field extended_members[] = {
    {"os-vol-host-attr:host", 0, no_limit, [](const Sight& sight, const View&) { return sight.host_attribute; },
     [](Out& out, const Sight&, const View& v) { write_host(out, v); }},
    {"os-vol-tenant-attr:tenant_id", 0, no_limit, [](const Sight& sight, const View&) { return sight.tenant_attribute; },
     [](Out& out, const Sight&, const View& v) { out.string(v.project_id); }},
    {"os-vol-mig-status-attr:migstat", 0, no_limit, [](const Sight& sight, const View&) { return sight.migration_attribute; },
     [](Out& out, const Sight&, const View& v) { out.string_or_null(v.migration_status); }},
    {"os-vol-mig-status-attr:name_id", 0, no_limit, [](const Sight& sight, const View&) { return sight.migration_attribute; },
     [](Out& out, const Sight&, const View&) { out.null(); }},
    {"volume_image_metadata", 0, no_limit, [](const Sight& sight, const View& v) { return sight.image_metadata && v.image_metadata.size() > 2; },
     [](Out& out, const Sight&, const View& v) { out.raw(v.image_metadata); }},
};

}  // namespace

VolumeSight::VolumeSight(const ApiRequest& request)
    : admin(request.context.is_admin || request.context.has_role("service")),
      host_attribute(request.allows("volume_extension:volume_host_attribute")),
      tenant_attribute(request.allows("volume_extension:volume_tenant_attribute")),
      migration_attribute(request.allows("volume_extension:volume_mig_status_attribute")),
      image_metadata(request.allows("volume_extension:volume_image_metadata:show")) {}

void write_attachments(Out& out, const Sight& sight, std::string_view volume, std::span<const store::volumes::ShownAttachment> attachments) {
  out.begin_array();
  for (const store::volumes::ShownAttachment& attachment : attachments) {
    out.begin_object();
    out.field("id", volume).field("attachment_id", std::string_view{attachment.id}).field("volume_id", volume);
    out.key("server_id").string_or_null(attachment.instance_id);
    out.key("host_name").string_or_null(sight.admin ? std::string_view{attachment.host} : std::string_view{});
    out.key("device").string_or_null(attachment.mountpoint);
    write_time(out.key("attached_at"), attachment.attach_time);
    out.end_object();
  }
  out.end_array();
}

void write_volume(json::Writer& out, const ApiRequest& request, const VolumeSight& sight, const View& volume, VolumeForm form) {
  out.begin_object();
  write_members<Sight, View>(out, members, request.version, sight, volume);
  request.links.write(out, "volumes", volume.id);
  if (form == VolumeForm::detail) write_members<Sight, View>(out, extended_members, request.version, sight, volume);
  out.end_object();
}

}  // namespace scoria::api
