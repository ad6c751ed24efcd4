#include "api/listing.h"

namespace scoria::api {
namespace {

using enum ListField::Kind;
constexpr int never = ListField::never;

// key, kind, filter since 3.N, sort since 3.N, for everybody below 3.31; what clients that know the columns' names call it
constexpr ListField volume_fields[] = {
    {"id", text, 0, 0, false},
    {"name", raw, 0, 0, true},
    {"description", text, 0, 0, false},
    {"status", text, 0, 0, true},
    {"size", integer, 0, 0, false},
    {"metadata", entries, 0, never, true},
    {"bootable", flag, 0, 0, true},
    {"migration_status", text, 0, 0, false},
    {"availability_zone", text, 0, 0, true},
    {"glance_metadata", entries, 4, never, false},
    {"group_id", text, 10, 0, true},
    {"created_at", time, 60, 0, false},
    {"updated_at", time, 60, 0, false},
    {"consumes_quota", flag, 65, never, false},
    {"host", text, 0, 0, false},
    {"cluster_name", text, 0, 0, false},
    {"project_id", text, 0, 0, false},
    {"user_id", text, 0, 0, false},
    {"volume_type_id", text, 0, 0, false},
    {"snapshot_id", text, 0, 0, false},
    {"source_volid", text, 0, 0, false},
    {"consistencygroup_id", text, 0, 0, false},
    {"attach_status", text, 0, 0, false},
    {"multiattach", flag, 0, 0, false},
    {"encryption_key_id", text, 0, never, false},
    {"replication_status", text, 0, 0, false},
    {"provider_id", text, 0, never, false},
    {"service_uuid", text, 0, never, false},
    {"display_name", raw, 0, 0, false, "name"},
    {"display_description", text, 0, 0, false, "description"},
};

constexpr ListField snapshot_fields[] = {
    {"id", text, 0, 0, false},
    {"name", raw, 0, 30, true},
    {"description", text, 0, 0, false},
    {"status", text, 0, 0, true},
    {"volume_id", text, 0, 0, true},
    {"metadata", entries, 22, never, true},
    {"availability_zone", text, 0, never, false},
    {"consumes_quota", flag, 65, never, false},
    {"created_at", time, never, 0, false},
    {"updated_at", time, never, 0, false},
    {"project_id", text, 0, 0, false},
    {"user_id", text, 0, 0, false},
    {"volume_size", integer, 0, 0, false},
    {"volume_type_id", text, 0, never, false},
    {"group_snapshot_id", text, 0, never, false},
    {"display_name", raw, 0, 0, false, "name"},
    {"display_description", text, 0, 0, false, "description"},
};

constexpr ListField attachment_fields[] = {
    {"id", text, 0, 0, false},
    {"volume_id", text, 0, 0, true},
    {"status", text, 0, 0, true},
    {"attach_status", text, 0, 0, true},
    {"instance_id", text, 0, 0, true},
    {"attached_host", text, 0, 0, false},
    {"created_at", time, never, 0, false},
    {"updated_at", time, never, 0, false},
    {"project_id", text, 0, never, false},
};

constexpr ListField message_fields[] = {
    {"id", text, 5, 0, true},
    {"resource_uuid", text, 5, 0, true},
    {"resource_type", text, 5, 0, true},
    {"event_id", text, 5, 0, true},
    {"request_id", text, 5, 0, true},
    {"message_level", text, 5, 0, true},
    {"created_at", time, never, 0, false},
    {"updated_at", time, never, 0, false},
    {"guaranteed_until", time, never, 0, false},
};

constexpr ListField qos_fields[] = {
    {"id", text, 0, 0, false},
    {"name", raw, 0, 0, false},
    {"consumer", text, 0, 0, false},
    {"created_at", time, never, 0, false},
    {"updated_at", time, never, 0, false},
};

constexpr ListField volume_type_fields[] = {
    {"id", text, 0, 0, false},
    {"name", raw, 0, 0, false},
    {"description", text, 0, 0, false},
    {"is_public", text, 0, never, true},
    {"extra_specs", entries, 52, never, true},
    {"created_at", time, never, 0, false},
    {"updated_at", time, never, 0, false},
};

constexpr ListField backup_fields[] = {
    {"id", text, 0, 0, false},
    {"name", raw, 0, 37, true},
    {"description", text, 0, 0, false},
    {"status", text, 0, 0, true},
    {"volume_id", text, 0, 0, true},
    {"snapshot_id", text, 0, 0, false},
    {"metadata", entries, 43, never, true},
    {"size", integer, 0, 0, false},
    {"host", text, 0, 0, false},
    {"availability_zone", text, 0, 0, false},
    {"container", text, 0, 0, false},
    {"created_at", time, never, 0, false},
    {"updated_at", time, never, 0, false},
    {"data_timestamp", time, never, 0, false},
    {"project_id", text, 0, 0, false},
    {"user_id", text, 0, 0, false},
    {"display_name", raw, 0, 0, false, "name"},
    {"display_description", text, 0, 0, false, "description"},
};

constexpr ListField group_fields[] = {
    {"id", text, 0, 0, false},
    {"name", raw, 0, 0, false},
    {"description", text, 0, 0, false},
    {"status", text, 0, 0, false},
    {"host", text, 0, 0, false},
    {"cluster_name", text, 0, 0, false},
    {"availability_zone", text, 0, 0, false},
    {"group_type_id", text, 0, 0, false},
    {"source_group_id", text, 0, never, false},
    {"group_snapshot_id", text, 0, never, false},
    {"replication_status", text, 0, never, false},
    {"created_at", time, never, 0, false},
    {"updated_at", time, never, 0, false},
    {"project_id", text, 0, 0, false},
    {"user_id", text, 0, 0, false},
};

constexpr ListField group_snapshot_fields[] = {
    {"id", text, 0, 0, false},
    {"name", raw, 0, 0, true},
    {"description", text, 0, 0, false},
    {"status", text, 0, 0, true},
    {"group_id", text, 0, 0, true},
    {"group_type_id", text, 0, 0, false},
    {"created_at", time, never, 0, false},
    {"updated_at", time, never, 0, false},
    {"project_id", text, 0, 0, false},
    {"user_id", text, 0, 0, false},
};

constexpr ListField transfer_fields[] = {
    {"id", text, 0, 0, false},
    {"name", raw, 0, 0, true},
    {"volume_id", text, 0, 0, true},
    {"created_at", time, never, 0, false},
    {"updated_at", time, never, 0, false},
    {"source_project_id", text, 0, never, false},
    {"destination_project_id", text, 0, never, false},
    {"accepted", flag, 0, never, false},
};

}  // namespace

const ListRules volume_list{.resource = "volume", .links = "volumes_links", .fields = volume_fields, .count_since = 45};
const ListRules snapshot_list{.resource = "snapshot", .links = "snapshots_links", .fields = snapshot_fields, .count_since = 45};
const ListRules attachment_list{.resource = "attachment", .links = "attachments_links", .fields = attachment_fields};
const ListRules message_list{.resource = "message", .links = "messages_links", .fields = message_fields, .paging_since = 5};
const ListRules volume_type_list{.resource = "volume_type", .links = "volume_type_links", .fields = volume_type_fields, .like_since = never};
const ListRules qos_list{.resource = "qos_specs", .links = "qos_specs_links", .fields = qos_fields, .like_since = never};
const ListRules backup_list{.resource = "backup", .links = "backups_links", .fields = backup_fields, .count_since = 45};
const ListRules group_list{.resource = "group", .links = "group_links", .fields = group_fields};
const ListRules group_snapshot_list{
    .resource = "group_snapshot", .links = "group_snapshot_links", .fields = group_snapshot_fields, .paging_since = 29};
const ListRules transfer_list{.resource = "transfer",
                              .links = "transfers_links",
                              .fields = transfer_fields,
                              .like_since = never,
                              .paging_since = 59,
                              .oldest_first_unpaged = true};

}  // namespace scoria::api
