#include "api/discovery.h"

#include "json/writer.h"

namespace scoria::api {
namespace {

struct Extension {
  std::string_view alias, name, updated, description;
};

// Everything that was an extension once. Clients look for aliases; the rest is for readers.
constexpr Extension extensions[] = {
    {"OS-SCH-HNT", "SchedulerHints", "2013-04-18T00:00:00+00:00", "Hints to the scheduler when a volume is created."},
    {"backups", "Backups", "2012-12-12T00:00:00+00:00", "Backups of volumes."},
    {"capabilities", "Capabilities", "2015-08-31T00:00:00+00:00", "What a backend can do."},
    {"cgsnapshots", "Cgsnapshots", "2014-08-18T00:00:00+00:00", "Snapshots of consistency groups."},
    {"consistencygroups", "Consistencygroups", "2014-08-18T00:00:00+00:00", "Consistency groups."},
    {"encryption", "VolumeTypeEncryption", "2013-07-01T00:00:00+00:00", "Encryption of volume types."},
    {"os-admin-actions", "AdminActions", "2012-08-25T00:00:00+00:00", "Actions of administrators."},
    {"os-availability-zone", "AvailabilityZones", "2013-06-27T00:00:00+00:00", "Availability zones."},
    {"os-extended-services", "ExtendedServices", "2014-01-10T00:00:00-00:00", "Reasons why services are disabled."},
    {"os-extended-snapshot-attributes", "ExtendedSnapshotAttributes", "2012-06-19T00:00:00+00:00", "Project and progress of snapshots."},
    {"os-hosts", "Hosts", "2011-06-29T00:00:00+00:00", "Hosts, for administrators."},
    {"os-quota-class-sets", "QuotaClasses", "2012-03-12T00:00:00+00:00", "Quota classes."},
    {"os-quota-sets", "Quotas", "2011-08-08T00:00:00+00:00", "Quotas."},
    {"os-services", "Services", "2012-10-28T00:00:00-00:00", "Services."},
    {"os-snapshot-actions", "SnapshotActions", "2013-07-16T00:00:00+00:00", "Actions on snapshots."},
    {"os-snapshot-manage", "SnapshotManage", "2014-12-31T00:00:00+00:00", "Existing snapshots taken over."},
    {"os-snapshot-unmanage", "SnapshotUnmanage", "2014-12-31T00:00:00+00:00", "Snapshots let go without deleting them."},
    {"os-types-extra-specs", "TypesExtraSpecs", "2011-08-24T00:00:00+00:00", "Extra specs of volume types."},
    {"os-types-manage", "TypesManage", "2011-08-24T00:00:00+00:00", "Making and changing volume types."},
    {"os-used-limits", "UsedLimits", "2013-10-03T00:00:00+00:00", "How much of each limit is used."},
    {"os-vol-host-attr", "VolumeHostAttribute", "2011-11-03T00:00:00+00:00", "The host of a volume."},
    {"os-vol-image-meta", "VolumeImageMetadata", "2012-12-07T00:00:00+00:00", "Image metadata of a volume."},
    {"os-vol-mig-status-attr", "VolumeMigStatusAttribute", "2013-08-08T00:00:00+00:00", "The migration status of a volume."},
    {"os-vol-tenant-attr", "VolumeTenantAttribute", "2011-11-03T00:00:00+00:00", "The project of a volume."},
    {"os-volume-actions", "VolumeActions", "2012-05-31T00:00:00+00:00", "Actions on volumes."},
    {"os-volume-encryption-metadata", "VolumeEncryptionMetadata", "2013-07-10T00:00:00+00:00", "Encryption of a volume."},
    {"os-volume-manage", "VolumeManage", "2014-02-10T00:00:00+00:00", "Existing volumes taken over."},
    {"os-volume-transfer", "VolumeTransfer", "2013-05-29T00:00:00+00:00", "Volumes handed to other projects."},
    {"os-volume-type-access", "VolumeTypeAccess", "2014-06-26T00:00:00Z", "Which projects may use a volume type."},
    {"os-volume-unmanage", "VolumeUnmanage", "2012-05-31T00:00:00+00:00", "Volumes let go without deleting them."},
    {"qos-specs", "Qos_specs_manage", "2013-08-02T00:00:00+00:00", "Quality of service."},
    {"scheduler-stats", "Scheduler_stats", "2014-09-07T00:00:00+00:00", "Pools as the scheduler sees them."},
};

void write_extension(json::Writer& out, const Extension& extension) {
  out.begin_object().field("alias", extension.alias).field("name", extension.name).field("description", extension.description);
  out.field("updated", extension.updated).key("links").begin_array().end_array().end_object();
}

Answer list_extensions(ApiRequest& request) {
  json::Writer out;
  out.begin_object().key("extensions").begin_array();
  for (const Extension& extension : extensions) write_extension(out, extension);
  return request.reply(out.end_array().end_object().take());
}

Answer show_extension(ApiRequest& request) {
  const std::string& alias = request.capture("alias");
  for (const Extension& extension : extensions) {
    if (extension.alias != alias) continue;
    json::Writer out;
    write_extension(out.begin_object().key("extension"), extension);
    return request.reply(out.end_object().take());
  }
  return refuse(RefusalCode::not_found, "Extension {} could not be found.", alias);
}

Answer list_filters(const ResourceFilters& filters, ApiRequest& request) {
  const std::string* wanted = request.query("resource");
  json::Writer out;
  out.begin_object().key("resource_filters").begin_array();
  for (const auto& [resource, names] : filters.all()) {
    if (wanted != nullptr && *wanted != resource) continue;
    out.begin_object().field("resource", resource).key("filters").begin_array();
    for (const std::string& name : names) out.string(name);
    out.end_array().end_object();
  }
  return request.reply(out.end_array().end_object().take());
}

/// An image service without images: enough for clients that find out its version before they do anything else.
Answer image_versions(ApiRequest& request) {
  json::Writer out;
  out.begin_object().key("versions").begin_array().begin_object().field("id", "v2.0").field("status", "CURRENT").key("links").begin_array();
  out.begin_object().field("rel", "self").field("href", std::string_view{request.links.base + "/image/v2/"}).end_object();
  return request.reply(out.end_array().end_object().end_array().end_object().take());
}

}  // namespace

void mount_discovery(Handlers& handlers, const ResourceFilters& filters) {
  handlers.mount("images.versions", image_versions);
  handlers.mount("extensions.list", list_extensions);
  handlers.mount("extensions.show", show_extension);
  handlers.mount("resource_filters.list", [&filters](ApiRequest& request) { return list_filters(filters, request); });
}

}  // namespace scoria::api
