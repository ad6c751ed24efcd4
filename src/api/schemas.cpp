// Made by tools/request_schemas.py from request_fields.csv: change those.
#include "api/fields.h"

namespace scoria::api {
namespace {

using enum Form;
constexpr bool must = true, may = false;

constexpr SchemaField body_1[] = {
    {"", "volume", 0, 52, kind_object, must, open, ""},
    {"volume", "name", 0, no_limit, kind_text | kind_null, may, trimmed_optional, ""},
    {"volume", "description", 0, no_limit, kind_text | kind_null, may, trimmed_optional, ""},
    {"volume", "display_name", 0, no_limit, kind_text | kind_null, may, trimmed_optional, ""},
    {"volume", "display_description", 0, no_limit, kind_text | kind_null, may, trimmed_optional, ""},
    {"volume", "volume_type", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"volume", "metadata", 0, no_limit, kind_object | kind_null, may, closed, ""},
    {"volume.metadata", "*", 0, no_limit, kind_text, may, up_to_255, "255. /"},
    {"volume", "snapshot_id", 0, no_limit, kind_null | kind_text, may, uuid, ""},
    {"volume", "source_volid", 0, no_limit, kind_null | kind_text, may, uuid, ""},
    {"volume", "consistencygroup_id", 0, no_limit, kind_null | kind_text, may, uuid, ""},
    {"volume", "size", 0, no_limit, kind_integer | kind_text | kind_null, may, positive, ""},
    {"volume", "availability_zone", 0, no_limit, kind_text | kind_null, may, from_1_to_255, ""},
    {"volume", "multiattach", 0, no_limit, kind_null | kind_flag | kind_text, may, flag, ""},
    {"volume", "image_id", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"volume", "imageRef", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"", "OS-SCH-HNT:scheduler_hints", 0, no_limit, kind_object | kind_null, may, any, ""},
    {"volume", "group_id", 13, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"volume", "backup_id", 47, no_limit, kind_null | kind_text, may, uuid, ""},
    {"", "volume", 53, no_limit, kind_object, must, closed, ""},
};
constexpr SchemaField body_2[] = {
    {"", "volume", 0, 52, kind_object, must, closed, ""},
    {"volume", "name", 0, no_limit, kind_text | kind_null, may, trimmed_optional, ""},
    {"volume", "description", 0, no_limit, kind_text | kind_null, may, trimmed_optional, ""},
    {"volume", "display_name", 0, no_limit, kind_text | kind_null, may, trimmed_optional, ""},
    {"volume", "display_description", 0, no_limit, kind_text | kind_null, may, trimmed_optional, ""},
    {"volume", "metadata", 0, no_limit, kind_object, may, closed, ""},
    {"volume.metadata", "*", 0, no_limit, kind_text, may, up_to_255, "255. /"},
    {"", "volume", 53, no_limit, kind_object, must, some_of, "name description display_name display_description metadata"},
};
constexpr SchemaField body_3[] = {
    {"", "name", 7, no_limit, kind_text, must, name, ""},
    {"", "binary", 7, no_limit, kind_text | kind_null, may, up_to_255, ""},
};
constexpr SchemaField body_4[] = {
    {"", "name", 7, no_limit, kind_text, must, name, ""},
    {"", "binary", 7, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"", "disabled_reason", 7, no_limit, kind_text | kind_null, may, name, ""},
};
constexpr SchemaField body_5[] = {
    {"", "volume_type", 0, no_limit, kind_object, must, closed, ""},
    {"volume_type", "name", 0, no_limit, kind_text, must, name, ""},
    {"volume_type", "description", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"volume_type", "extra_specs", 0, no_limit, kind_object, may, closed, ""},
    {"volume_type.extra_specs", "*", 0, no_limit, kind_text | kind_null, may, up_to_255, "255. /"},
    {"volume_type", "os-volume-type-access:is_public", 0, no_limit, kind_flag | kind_text, may, flag, ""},
};
constexpr SchemaField body_6[] = {
    {"", "volume_type", 0, no_limit, kind_object, must, closed, ""},
    {"volume_type", "name", 0, no_limit, kind_text | kind_null, may, from_1_to_255, ""},
    {"volume_type", "description", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"volume_type", "is_public", 0, no_limit, kind_flag | kind_text, may, flag, ""},
};
constexpr SchemaField body_7[] = {
    {"", "group_type", 11, no_limit, kind_object, must, closed, ""},
    {"group_type", "name", 11, no_limit, kind_text, must, name, ""},
    {"group_type", "description", 11, no_limit, kind_text | kind_null, may, described, ""},
    {"group_type", "is_public", 11, no_limit, kind_flag | kind_text, may, flag, ""},
    {"group_type", "group_specs", 11, no_limit, kind_object | kind_null, may, closed, ""},
    {"group_type.group_specs", "*", 11, no_limit, kind_text, may, up_to_255, "255. /"},
};
constexpr SchemaField body_8[] = {
    {"", "group_type", 11, no_limit, kind_object, must, closed, ""},
    {"group_type", "name", 11, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"group_type", "description", 11, no_limit, kind_text | kind_null, may, described, ""},
    {"group_type", "is_public", 11, no_limit, kind_flag | kind_text, may, flag, ""},
};
constexpr SchemaField body_9[] = {
    {"", "group_specs", 11, no_limit, kind_object, must, closed, ""},
    {"group_specs", "*", 11, no_limit, kind_text | kind_null, may, up_to_255, "255."},
};
constexpr SchemaField body_10[] = {
    {"", "*", 11, no_limit, kind_text | kind_null, may, up_to_255, "255."},
};
constexpr SchemaField body_11[] = {
    {"", "group", 13, no_limit, kind_object, must, closed, ""},
    {"group", "description", 13, no_limit, kind_text | kind_null, may, described, ""},
    {"group", "group_type", 13, no_limit, kind_text, must, from_1_to_255, ""},
    {"group", "name", 13, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"group", "volume_types", 13, no_limit, kind_array, must, distinct_not_empty, ""},
    {"group.volume_types", "[]", 13, no_limit, kind_text, may, up_to_255, ""},
    {"group", "availability_zone", 13, no_limit, kind_text | kind_null, may, from_1_to_255, ""},
};
constexpr SchemaField body_12[] = {
    {"", "group", 13, no_limit, kind_object, must, some_of, "name description add_volumes remove_volumes"},
    {"group", "description", 13, no_limit, kind_text | kind_null, may, described, ""},
    {"group", "name", 13, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"group", "add_volumes", 13, no_limit, kind_text | kind_null, may, described, ""},
    {"group", "remove_volumes", 13, no_limit, kind_text | kind_null, may, described, ""},
};
constexpr SchemaField body_13[] = {
    {"", "group_snapshot", 14, no_limit, kind_object, must, closed, ""},
    {"group_snapshot", "group_id", 14, no_limit, kind_text, must, uuid, ""},
    {"group_snapshot", "name", 14, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"group_snapshot", "description", 14, no_limit, kind_text | kind_null, may, described, ""},
};
constexpr SchemaField body_14[] = {
    {"", "snapshot", 0, no_limit, kind_object, must, closed, ""},
    {"snapshot", "name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"snapshot", "display_name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"snapshot", "description", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"snapshot", "volume_id", 0, no_limit, kind_text | kind_null, must, uuid, ""},
    {"snapshot", "force", 0, no_limit, kind_flag | kind_text, may, flag, ""},
    {"snapshot", "metadata", 0, no_limit, kind_object | kind_null, may, closed, ""},
    {"snapshot.metadata", "*", 0, no_limit, kind_text, may, up_to_255, "255. /"},
};
constexpr SchemaField body_15[] = {
    {"", "snapshot", 0, no_limit, kind_object, must, some_of, "name description display_name display_description"},
    {"snapshot", "name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"snapshot", "description", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"snapshot", "display_name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"snapshot", "display_description", 0, no_limit, kind_text | kind_null, may, described, ""},
};
constexpr SchemaField body_16[] = {
    {"", "metadata", 0, no_limit, kind_object, must, closed, ""},
    {"metadata", "*", 0, no_limit, kind_text, may, up_to_255, "255. "},
};
constexpr SchemaField body_17[] = {
    {"", "meta", 0, no_limit, kind_object, must, not_empty, ""},
    {"meta", "*", 0, no_limit, kind_text, may, up_to_255, "255. "},
};
constexpr SchemaField body_18[] = {
    {"", "metadata", 0, no_limit, kind_object, must, closed, ""},
    {"metadata", "*", 0, no_limit, kind_text, may, up_to_255, "255. /"},
};
constexpr SchemaField body_19[] = {
    {"", "meta", 0, no_limit, kind_object, must, not_empty, ""},
    {"meta", "*", 0, no_limit, kind_text, may, up_to_255, "255. /"},
};
constexpr SchemaField body_20[] = {
    {"", "consistencygroup", 0, no_limit, kind_object, must, open, ""},
    {"consistencygroup", "name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"consistencygroup", "description", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"consistencygroup", "volume_types", 0, no_limit, kind_any, must, any, ""},
    {"consistencygroup", "availability_zone", 0, no_limit, kind_any, may, any, ""},
};
constexpr SchemaField body_21[] = {
    {"", "consistencygroup", 0, no_limit, kind_object, must, open, ""},
    {"consistencygroup", "name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"consistencygroup", "description", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"consistencygroup", "add_volumes", 0, no_limit, kind_text | kind_null, may, any, ""},
    {"consistencygroup", "remove_volumes", 0, no_limit, kind_text | kind_null, may, any, ""},
};
constexpr SchemaField body_22[] = {
    {"", "volume", 0, no_limit, kind_object, must, closed, ""},
    {"volume", "description", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"volume", "availability_zone", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"volume", "bootable", 0, no_limit, kind_flag | kind_text, may, flag, ""},
    {"volume", "volume_type", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"volume", "name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"volume", "host", 0, no_limit, kind_text | kind_null, may, host, ""},
    {"volume", "ref", 0, no_limit, kind_object | kind_text, must, any, ""},
    {"volume", "metadata", 0, no_limit, kind_object | kind_null, may, closed, ""},
    {"volume.metadata", "*", 0, no_limit, kind_text, may, up_to_255, "255. /"},
    {"volume", "cluster", 16, no_limit, kind_text | kind_null, may, up_to_255, ""},
};
constexpr SchemaField body_23[] = {
    {"", "snapshot", 0, no_limit, kind_object, must, closed, ""},
    {"snapshot", "description", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"snapshot", "metadata", 0, no_limit, kind_object | kind_null, may, closed, ""},
    {"snapshot.metadata", "*", 0, no_limit, kind_text, may, up_to_255, "255. /"},
    {"snapshot", "name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"snapshot", "volume_id", 0, no_limit, kind_text, must, uuid, ""},
    {"snapshot", "ref", 0, no_limit, kind_object | kind_null | kind_text, must, any, ""},
};
constexpr SchemaField body_24[] = {
    {"", "backup", 0, no_limit, kind_object, must, closed, ""},
    {"backup", "volume_id", 0, no_limit, kind_text, must, uuid, ""},
    {"backup", "container", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"backup", "description", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"backup", "incremental", 0, no_limit, kind_flag | kind_text, may, flag, ""},
    {"backup", "force", 0, no_limit, kind_flag | kind_text, may, flag, ""},
    {"backup", "name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"backup", "snapshot_id", 0, no_limit, kind_text | kind_null, may, uuid, ""},
    {"backup", "metadata", 43, no_limit, kind_object | kind_null, may, closed, ""},
    {"backup.metadata", "*", 43, no_limit, kind_text, may, up_to_255, "255. /"},
    {"backup", "availability_zone", 51, no_limit, kind_text | kind_null, may, up_to_255, ""},
};
constexpr SchemaField body_25[] = {
    {"", "attachment", 27, no_limit, kind_object, must, closed, ""},
    {"attachment", "instance_uuid", 27, no_limit, kind_text, may, uuid, ""},
    {"attachment", "connector", 27, no_limit, kind_object | kind_null, may, any, ""},
    {"attachment", "volume_uuid", 27, no_limit, kind_text, must, uuid, ""},
    {"attachment", "mode", 54, no_limit, kind_text, may, choice, "rw ro"},
};
constexpr SchemaField body_26[] = {
    {"", "attachment", 27, no_limit, kind_object, must, closed, ""},
    {"attachment", "connector", 27, no_limit, kind_object, must, not_empty_open, ""},
};
constexpr SchemaField body_27[] = {
    {"", "cluster_name", 24, no_limit, kind_text | kind_null, may, host, ""},
    {"", "disabled", 24, no_limit, kind_flag | kind_text, may, flag, ""},
    {"", "host", 24, no_limit, kind_text | kind_null, may, host, ""},
    {"", "is_up", 24, no_limit, kind_flag | kind_text, may, flag, ""},
    {"", "binary", 24, no_limit, kind_any, may, choice, "cinder-volume cinder-scheduler"},
    {"", "resource_id", 24, no_limit, kind_null | kind_text, may, uuid, ""},
    {"", "resource_type", 24, no_limit, kind_text | kind_null, may, up_to_40, ""},
    {"", "service_id", 24, no_limit, kind_integer | kind_text | kind_null, may, row_id, ""},
};
constexpr SchemaField body_28[] = {
    {"", "transfer", 0, no_limit, kind_object, must, closed, ""},
    {"transfer", "volume_id", 0, no_limit, kind_text, must, uuid, ""},
    {"transfer", "name", 0, no_limit, kind_text | kind_null, may, trimmed_name, ""},
    {"transfer", "no_snapshots", 55, no_limit, kind_flag | kind_text, may, flag, ""},
};
constexpr SchemaField body_29[] = {
    {"", "accept", 0, no_limit, kind_object, must, closed, ""},
    {"accept", "auth_key", 0, no_limit, kind_text | kind_integer, must, any, ""},
};
constexpr SchemaField body_30[] = {
    {"", "default_type", 62, no_limit, kind_object, may, closed, ""},
    {"default_type", "volume_type", 62, no_limit, kind_text, must, name, ""},
};
constexpr SchemaField body_31[] = {
    {"", "binary", 0, no_limit, kind_text, may, from_1_to_255, ""},
    {"", "host", 0, no_limit, kind_text | kind_null, may, host, ""},
    {"", "cluster", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"", "service", 0, no_limit, kind_text, may, from_1_to_255, ""},
};
constexpr SchemaField body_32[] = {
    {"", "binary", 0, no_limit, kind_text, may, from_1_to_255, ""},
    {"", "host", 0, no_limit, kind_text | kind_null, may, host, ""},
    {"", "cluster", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"", "service", 0, no_limit, kind_text, may, from_1_to_255, ""},
    {"", "disabled_reason", 0, no_limit, kind_text, may, name, ""},
};
constexpr SchemaField body_33[] = {
    {"", "binary", 32, no_limit, kind_text, may, choice, "cinder-scheduler cinder-volume cinder-backup cinder-api '' *"},
    {"", "server", 32, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"", "prefix", 32, no_limit, kind_text | kind_null, may, up_to_255, ""},
};
constexpr SchemaField body_34[] = {
    {"", "binary", 32, no_limit, kind_text, may, choice, "cinder-scheduler cinder-volume cinder-backup cinder-api '' *"},
    {"", "server", 32, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"", "prefix", 32, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"", "level", 32, no_limit, kind_text | kind_null, may, log_level, ""},
};
constexpr SchemaField body_35[] = {
    {"", "cluster", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"", "host", 0, no_limit, kind_text | kind_null, may, host, ""},
};
constexpr SchemaField body_36[] = {
    {"", "host", 0, no_limit, kind_text | kind_null, may, host, ""},
    {"", "backend_id", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"", "cluster", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
};
constexpr SchemaField body_37[] = {
    {"", "cgsnapshot", 0, no_limit, kind_object, must, open, ""},
    {"cgsnapshot", "consistencygroup_id", 0, no_limit, kind_text, must, any, ""},
    {"cgsnapshot", "name", 0, no_limit, kind_text, may, any, ""},
    {"cgsnapshot", "description", 0, no_limit, kind_text, may, any, ""},
};
constexpr SchemaField body_38[] = {
    {"", "extra_specs", 0, no_limit, kind_object, must, closed, ""},
    {"extra_specs", "*", 0, no_limit, kind_text | kind_null, may, up_to_255, "255."},
};
constexpr SchemaField body_39[] = {
    {"", "*", 0, no_limit, kind_text | kind_null, may, up_to_255, "255."},
};
constexpr SchemaField body_40[] = {
    {"", "encryption", 0, no_limit, kind_object, must, open, ""},
    {"encryption", "key_size", 0, no_limit, kind_text | kind_integer | kind_null, may, natural, ""},
    {"encryption", "provider", 0, no_limit, kind_text, must, up_to_255, ""},
    {"encryption", "control_location", 0, no_limit, kind_any, must, choice, "front-end back-end"},
    {"encryption", "cipher", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
};
constexpr SchemaField body_41[] = {
    {"", "encryption", 0, no_limit, kind_object, must, open, ""},
    {"encryption", "key_size", 0, no_limit, kind_text | kind_integer | kind_null, may, natural, ""},
    {"encryption", "provider", 0, no_limit, kind_text, may, up_to_255, ""},
    {"encryption", "control_location", 0, no_limit, kind_any, may, choice, "front-end back-end"},
    {"encryption", "cipher", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
};
constexpr SchemaField body_42[] = {
    {"", "consistencygroup-from-src", 0, no_limit, kind_object, must, open, ""},
    {"consistencygroup-from-src", "name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"consistencygroup-from-src", "description", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"consistencygroup-from-src", "cgsnapshot_id", 0, no_limit, kind_text, may, any, ""},
    {"consistencygroup-from-src", "source_cgid", 0, no_limit, kind_text, may, any, ""},
};
constexpr SchemaField body_43[] = {
    {"", "backup-record", 0, no_limit, kind_object, must, closed, ""},
    {"backup-record", "backup_service", 0, no_limit, kind_text, must, up_to_255, ""},
    {"backup-record", "backup_url", 0, no_limit, kind_text, must, base64, ""},
};
constexpr SchemaField body_44[] = {
    {"", "restore", 0, no_limit, kind_object | kind_null, must, closed, ""},
    {"restore", "name", 0, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"restore", "volume_id", 0, no_limit, kind_text | kind_null, may, uuid, ""},
};
constexpr SchemaField body_45[] = {
    {"", "quota_set", 0, no_limit, kind_object, must, quotas, ""},
};
constexpr SchemaField body_46[] = {
    {"", "quota_class_set", 0, no_limit, kind_object, must, closed, ""},
    {"quota_class_set", "*", 0, no_limit, kind_integer | kind_text, may, quota, "300. "},
};
constexpr SchemaField body_47[] = {
    {"", "status", 0, no_limit, kind_text, may, choice, "enable disable"},
};
constexpr SchemaField body_48[] = {
    {"", "qos_specs", 0, no_limit, kind_object, must, open, ""},
    {"qos_specs", "name", 0, no_limit, kind_text, must, trimmed_name, ""},
};
constexpr SchemaField body_49[] = {
    {"", "keys", 0, no_limit, kind_array, must, distinct, ""},
    {"keys", "[]", 0, no_limit, kind_text, may, from_1_to_255, ""},
};
constexpr SchemaField body_50[] = {
    {"", "qos_specs", 0, no_limit, kind_object, must, closed, ""},
    {"qos_specs", "*", 0, no_limit, kind_text | kind_null, may, up_to_255, "255. /"},
};
constexpr SchemaField body_51[] = {
    {"", "transfer", 0, no_limit, kind_object, must, closed, ""},
    {"transfer", "volume_id", 0, no_limit, kind_text, must, uuid, ""},
    {"transfer", "name", 0, no_limit, kind_text | kind_null, may, trimmed_name, ""},
};
constexpr SchemaField body_52[] = {
    {"", "revert", 40, no_limit, kind_object, must, open, ""},
    {"revert", "snapshot_id", 40, no_limit, kind_text | kind_null, may, any, ""},
};
constexpr SchemaField body_53[] = {
    {"", "os-reset_status", 0, no_limit, kind_object, must, some_of, "status attach_status migration_status"},
    {"os-reset_status", "status", 0, no_limit, kind_text | kind_null, may, choice, "creating available deleting error error_deleting error_managing managing attaching in-use detaching maintenance restoring-backup error_restoring reserved awaiting-transfer backing-up error_backing-up error_extending downloading uploading retyping extending"},
    {"os-reset_status", "attach_status", 0, no_limit, kind_text | kind_null, may, choice, "attached detached"},
    {"os-reset_status", "migration_status", 0, no_limit, kind_text | kind_null, may, choice, "migrating error success completing none starting"},
};
constexpr SchemaField body_54[] = {
    {"", "os-force_detach", 0, no_limit, kind_object, must, closed, ""},
    {"os-force_detach", "connector", 0, no_limit, kind_text | kind_object | kind_null, may, any, ""},
    {"os-force_detach", "attachment_id", 0, no_limit, kind_text | kind_null, may, any, ""},
};
constexpr SchemaField body_55[] = {
    {"", "os-migrate_volume", 0, no_limit, kind_object, must, closed, ""},
    {"os-migrate_volume", "host", 0, 15, kind_text, must, up_to_255, ""},
    {"os-migrate_volume", "force_host_copy", 0, no_limit, kind_flag | kind_text, may, flag, ""},
    {"os-migrate_volume", "lock_volume", 0, no_limit, kind_flag | kind_text, may, flag, ""},
    {"os-migrate_volume", "host", 16, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"os-migrate_volume", "cluster", 16, no_limit, kind_text | kind_null, may, up_to_255, ""},
};
constexpr SchemaField body_56[] = {
    {"", "os-migrate_volume_completion", 0, no_limit, kind_object, must, closed, ""},
    {"os-migrate_volume_completion", "new_volume", 0, no_limit, kind_text, must, uuid, ""},
    {"os-migrate_volume_completion", "error", 0, no_limit, kind_text | kind_null | kind_flag, may, any, ""},
};
constexpr SchemaField body_57[] = {
    {"", "os-extend_volume_completion", 0, no_limit, kind_object, must, closed, ""},
    {"os-extend_volume_completion", "error", 0, no_limit, kind_text | kind_null | kind_flag, may, any, ""},
};
constexpr SchemaField body_58[] = {
    {"", "os-force_delete", 0, no_limit, kind_any, must, any, ""},
};
constexpr SchemaField body_59[] = {
    {"", "os-attach", 0, no_limit, kind_object, must, some_of, "instance_uuid host_name"},
    {"os-attach", "instance_uuid", 0, no_limit, kind_text, may, uuid, ""},
    {"os-attach", "mountpoint", 0, no_limit, kind_text, must, from_1_to_255, ""},
    {"os-attach", "host_name", 0, no_limit, kind_text, may, up_to_255, ""},
    {"os-attach", "mode", 0, no_limit, kind_text, may, choice, "rw ro"},
};
constexpr SchemaField body_60[] = {
    {"", "os-detach", 0, no_limit, kind_object | kind_null, must, closed, ""},
    {"os-detach", "attachment_id", 0, no_limit, kind_text | kind_null, may, uuid, ""},
};
constexpr SchemaField body_61[] = {
    {"", "os-reserve", 0, no_limit, kind_any, must, any, ""},
};
constexpr SchemaField body_62[] = {
    {"", "os-unreserve", 0, no_limit, kind_any, must, any, ""},
};
constexpr SchemaField body_63[] = {
    {"", "os-begin_detaching", 0, no_limit, kind_any, must, any, ""},
};
constexpr SchemaField body_64[] = {
    {"", "os-roll_detaching", 0, no_limit, kind_any, must, any, ""},
};
constexpr SchemaField body_65[] = {
    {"", "os-initialize_connection", 0, no_limit, kind_object, must, closed, ""},
    {"os-initialize_connection", "connector", 0, no_limit, kind_object | kind_text, must, any, ""},
};
constexpr SchemaField body_66[] = {
    {"", "os-terminate_connection", 0, no_limit, kind_object, must, closed, ""},
    {"os-terminate_connection", "connector", 0, no_limit, kind_text | kind_object | kind_null, must, any, ""},
};
constexpr SchemaField body_67[] = {
    {"", "os-volume_upload_image", 0, no_limit, kind_object, must, closed, ""},
    {"os-volume_upload_image", "image_name", 0, no_limit, kind_text, must, from_1_to_255, ""},
    {"os-volume_upload_image", "force", 0, no_limit, kind_flag | kind_text, may, flag, ""},
    {"os-volume_upload_image", "disk_format", 0, no_limit, kind_text, may, choice, "raw vmdk vdi qcow2 vhd vhdx ploop"},
    {"os-volume_upload_image", "container_format", 0, no_limit, kind_text | kind_null, may, described, ""},
    {"os-volume_upload_image", "visibility", 1, no_limit, kind_text, may, choice, "community public private shared"},
    {"os-volume_upload_image", "protected", 1, no_limit, kind_flag | kind_text, may, flag, ""},
};
constexpr SchemaField body_68[] = {
    {"", "os-extend", 0, no_limit, kind_object, must, closed, ""},
    {"os-extend", "new_size", 0, no_limit, kind_integer | kind_text, must, positive, ""},
};
constexpr SchemaField body_69[] = {
    {"", "os-update_readonly_flag", 0, no_limit, kind_object, must, closed, ""},
    {"os-update_readonly_flag", "readonly", 0, no_limit, kind_flag | kind_text, must, flag, ""},
};
constexpr SchemaField body_70[] = {
    {"", "os-retype", 0, no_limit, kind_object, must, closed, ""},
    {"os-retype", "new_type", 0, no_limit, kind_text, must, any, ""},
    {"os-retype", "migration_policy", 0, no_limit, kind_text | kind_null, may, choice, "on-demand never"},
};
constexpr SchemaField body_71[] = {
    {"", "os-set_bootable", 0, no_limit, kind_object, must, closed, ""},
    {"os-set_bootable", "bootable", 0, no_limit, kind_flag | kind_text, must, flag, ""},
};
constexpr SchemaField body_72[] = {
    {"", "os-reimage", 68, no_limit, kind_object, must, closed, ""},
    {"os-reimage", "image_id", 68, no_limit, kind_text, must, uuid, ""},
    {"os-reimage", "reimage_reserved", 68, no_limit, kind_flag | kind_text, may, flag, ""},
};
constexpr SchemaField body_73[] = {
    {"", "os-unmanage", 0, no_limit, kind_any, must, any, ""},
};
constexpr SchemaField body_74[] = {
    {"", "os-set_image_metadata", 0, no_limit, kind_object, must, closed, ""},
    {"os-set_image_metadata", "metadata", 0, no_limit, kind_object, must, closed, ""},
    {"os-set_image_metadata.metadata", "*", 0, no_limit, kind_text, may, long_text, "255. /"},
};
constexpr SchemaField body_75[] = {
    {"", "os-show_image_metadata", 0, no_limit, kind_any, must, any, ""},
};
constexpr SchemaField body_76[] = {
    {"", "os-unset_image_metadata", 0, no_limit, kind_object, must, closed, ""},
    {"os-unset_image_metadata", "key", 0, no_limit, kind_text, must, from_1_to_255, ""},
};
constexpr SchemaField body_77[] = {
    {"", "addProjectAccess", 0, no_limit, kind_object, must, closed, ""},
    {"addProjectAccess", "project", 0, no_limit, kind_text, must, from_1_to_255, ""},
};
constexpr SchemaField body_78[] = {
    {"", "removeProjectAccess", 0, no_limit, kind_object, must, closed, ""},
    {"removeProjectAccess", "project", 0, no_limit, kind_text, must, from_1_to_255, ""},
};
constexpr SchemaField body_79[] = {
    {"", "reset_status", 20, no_limit, kind_object, must, closed, ""},
    {"reset_status", "status", 20, no_limit, kind_text, must, choice, "creating available updating in-use deleting deleted error error_deleting"},
};
constexpr SchemaField body_80[] = {
    {"", "delete", 13, no_limit, kind_object, must, closed, ""},
    {"delete", "delete-volumes", 13, no_limit, kind_flag | kind_text, may, flag, ""},
};
constexpr SchemaField body_81[] = {
    {"", "create-from-src", 14, no_limit, kind_object, must, exactly_one_of, "group_snapshot_id source_group_id"},
    {"create-from-src", "description", 14, no_limit, kind_text | kind_null, may, described, ""},
    {"create-from-src", "name", 14, no_limit, kind_text | kind_null, may, up_to_255, ""},
    {"create-from-src", "source_group_id", 14, no_limit, kind_text, may, uuid, ""},
    {"create-from-src", "group_snapshot_id", 14, no_limit, kind_text, may, uuid, ""},
};
constexpr SchemaField body_82[] = {
    {"", "enable_replication", 38, no_limit, kind_object, must, any, ""},
};
constexpr SchemaField body_83[] = {
    {"", "disable_replication", 38, no_limit, kind_object, must, any, ""},
};
constexpr SchemaField body_84[] = {
    {"", "failover_replication", 38, no_limit, kind_object, must, closed, ""},
    {"failover_replication", "allow_attached_volume", 38, no_limit, kind_flag | kind_text, may, flag, ""},
    {"failover_replication", "secondary_backend_id", 38, no_limit, kind_text | kind_null, may, up_to_255, ""},
};
constexpr SchemaField body_85[] = {
    {"", "list_replication_targets", 38, no_limit, kind_object, must, any, ""},
};
constexpr SchemaField body_86[] = {
    {"", "reset_status", 19, no_limit, kind_object, must, closed, ""},
    {"reset_status", "status", 19, no_limit, kind_text, must, choice, "creating available updating deleting deleted error error_deleting"},
};
constexpr SchemaField body_87[] = {
    {"", "os-update_snapshot_status", 0, no_limit, kind_object, must, closed, ""},
    {"os-update_snapshot_status", "status", 0, no_limit, kind_text, must, any, ""},
    {"os-update_snapshot_status", "progress", 0, no_limit, kind_any, may, progress, ""},
};
constexpr SchemaField body_88[] = {
    {"", "os-reset_status", 0, no_limit, kind_object, must, closed, ""},
    {"os-reset_status", "status", 0, no_limit, kind_text, must, choice, "creating available deleting deleted updating error error_deleting unmanaging backing-up restoring"},
};
constexpr SchemaField body_89[] = {
    {"", "os-reset_status", 0, no_limit, kind_object, must, closed, ""},
    {"os-reset_status", "status", 0, no_limit, kind_text, must, choice, "creating available deleting deleted restoring error error_deleting"},
};
constexpr SchemaField body_90[] = {
    {"", "os-complete", 44, no_limit, kind_any, must, any, ""},
};

constexpr Schema all[] = {
    {"POST", "/v3/volumes", "", body_1},
    {"PUT", "/v3/volumes/{id}", "", body_2},
    {"PUT", "/v3/clusters/enable", "", body_3},
    {"PUT", "/v3/clusters/disable", "", body_4},
    {"POST", "/v3/types", "", body_5},
    {"PUT", "/v3/types/{id}", "", body_6},
    {"POST", "/v3/group_types", "", body_7},
    {"PUT", "/v3/group_types/{id}", "", body_8},
    {"POST", "/v3/group_types/{group_type_id}/group_specs", "", body_9},
    {"PUT", "/v3/group_types/{group_type_id}/group_specs/{id}", "", body_10},
    {"POST", "/v3/groups", "", body_11},
    {"PUT", "/v3/groups/{id}", "", body_12},
    {"POST", "/v3/group_snapshots", "", body_13},
    {"POST", "/v3/snapshots", "", body_14},
    {"PUT", "/v3/snapshots/{id}", "", body_15},
    {"POST", "/v3/snapshots/{snapshot_id}/metadata", "", body_16},
    {"PUT", "/v3/snapshots/{snapshot_id}/metadata/{id}", "", body_17},
    {"PUT", "/v3/snapshots/{snapshot_id}/metadata", "", body_16},
    {"POST", "/v3/volumes/{volume_id}/metadata", "", body_18},
    {"PUT", "/v3/volumes/{volume_id}/metadata/{id}", "", body_19},
    {"PUT", "/v3/volumes/{volume_id}/metadata", "", body_18},
    {"POST", "/v3/consistencygroups", "", body_20},
    {"PUT", "/v3/consistencygroups/{id}", "", body_21},
    {"POST", "/v3/manageable_volumes", "", body_22},
    {"POST", "/v3/manageable_snapshots", "", body_23},
    {"POST", "/v3/backups", "", body_24},
    {"POST", "/v3/attachments", "", body_25},
    {"PUT", "/v3/attachments/{id}", "", body_26},
    {"POST", "/v3/workers/cleanup", "", body_27},
    {"POST", "/v3/volume-transfers", "", body_28},
    {"POST", "/v3/volume-transfers/{id}/accept", "", body_29},
    {"PUT", "/v3/default-types/{id}", "", body_30},
    {"PUT", "/v3/os-services/enable", "", body_31},
    {"PUT", "/v3/os-services/disable", "", body_31},
    {"PUT", "/v3/os-services/disable-log-reason", "", body_32},
    {"PUT", "/v3/os-services/get-log", "", body_33},
    {"PUT", "/v3/os-services/set-log", "", body_34},
    {"PUT", "/v3/os-services/freeze", "", body_35},
    {"PUT", "/v3/os-services/thaw", "", body_35},
    {"PUT", "/v3/os-services/failover_host", "", body_36},
    {"POST", "/v3/cgsnapshots", "", body_37},
    {"POST", "/v3/types/{type_id}/extra_specs", "", body_38},
    {"PUT", "/v3/types/{type_id}/extra_specs/{id}", "", body_39},
    {"POST", "/v3/types/{type_id}/encryption", "", body_40},
    {"PUT", "/v3/types/{type_id}/encryption/{id}", "", body_41},
    {"POST", "/v3/consistencygroups/create_from_src", "", body_42},
    {"PUT", "/v3/consistencygroups/{id}/update", "", body_21},
    {"POST", "/v3/backups/import_record", "", body_43},
    {"POST", "/v3/backups/{id}/restore", "", body_44},
    {"PUT", "/v3/os-quota-sets/{id}", "", body_45},
    {"PUT", "/v3/os-quota-class-sets/{id}", "", body_46},
    {"PUT", "/v3/os-hosts", "", body_47},
    {"PUT", "/v3/os-hosts/{id}", "", body_47},
    {"POST", "/v3/os-snapshot-manage", "", body_23},
    {"POST", "/v3/qos-specs", "", body_48},
    {"PUT", "/v3/qos-specs/{id}/delete_keys", "", body_49},
    {"PUT", "/v3/qos-specs/{id}", "", body_50},
    {"POST", "/v3/os-volume-manage", "", body_22},
    {"POST", "/v3/os-volume-transfer", "", body_51},
    {"POST", "/v3/os-volume-transfer/{id}/accept", "", body_29},
    {"POST", "/v3/volumes/{id}/action", "revert", body_52},
    {"POST", "/v3/volumes/{id}/action", "os-reset_status", body_53},
    {"POST", "/v3/volumes/{id}/action", "os-force_detach", body_54},
    {"POST", "/v3/volumes/{id}/action", "os-migrate_volume", body_55},
    {"POST", "/v3/volumes/{id}/action", "os-migrate_volume_completion", body_56},
    {"POST", "/v3/volumes/{id}/action", "os-extend_volume_completion", body_57},
    {"POST", "/v3/volumes/{id}/action", "os-force_delete", body_58},
    {"POST", "/v3/volumes/{id}/action", "os-attach", body_59},
    {"POST", "/v3/volumes/{id}/action", "os-detach", body_60},
    {"POST", "/v3/volumes/{id}/action", "os-reserve", body_61},
    {"POST", "/v3/volumes/{id}/action", "os-unreserve", body_62},
    {"POST", "/v3/volumes/{id}/action", "os-begin_detaching", body_63},
    {"POST", "/v3/volumes/{id}/action", "os-roll_detaching", body_64},
    {"POST", "/v3/volumes/{id}/action", "os-initialize_connection", body_65},
    {"POST", "/v3/volumes/{id}/action", "os-terminate_connection", body_66},
    {"POST", "/v3/volumes/{id}/action", "os-volume_upload_image", body_67},
    {"POST", "/v3/volumes/{id}/action", "os-extend", body_68},
    {"POST", "/v3/volumes/{id}/action", "os-update_readonly_flag", body_69},
    {"POST", "/v3/volumes/{id}/action", "os-retype", body_70},
    {"POST", "/v3/volumes/{id}/action", "os-set_bootable", body_71},
    {"POST", "/v3/volumes/{id}/action", "os-reimage", body_72},
    {"POST", "/v3/volumes/{id}/action", "os-unmanage", body_73},
    {"POST", "/v3/volumes/{id}/action", "os-set_image_metadata", body_74},
    {"POST", "/v3/volumes/{id}/action", "os-show_image_metadata", body_75},
    {"POST", "/v3/volumes/{id}/action", "os-unset_image_metadata", body_76},
    {"POST", "/v3/types/{id}/action", "addProjectAccess", body_77},
    {"POST", "/v3/types/{id}/action", "removeProjectAccess", body_78},
    {"POST", "/v3/groups/{id}/action", "reset_status", body_79},
    {"POST", "/v3/groups/{id}/action", "delete", body_80},
    {"POST", "/v3/groups/action", "create-from-src", body_81},
    {"POST", "/v3/groups/{id}/action", "enable_replication", body_82},
    {"POST", "/v3/groups/{id}/action", "disable_replication", body_83},
    {"POST", "/v3/groups/{id}/action", "failover_replication", body_84},
    {"POST", "/v3/groups/{id}/action", "list_replication_targets", body_85},
    {"POST", "/v3/group_snapshots/{id}/action", "reset_status", body_86},
    {"POST", "/v3/snapshots/{id}/action", "os-unmanage", body_73},
    {"POST", "/v3/snapshots/{id}/action", "os-update_snapshot_status", body_87},
    {"POST", "/v3/snapshots/{id}/action", "os-reset_status", body_88},
    {"POST", "/v3/snapshots/{id}/action", "os-force_delete", body_58},
    {"POST", "/v3/backups/{id}/action", "os-reset_status", body_89},
    {"POST", "/v3/backups/{id}/action", "os-force_delete", body_58},
    {"POST", "/v3/attachments/{id}/action", "os-complete", body_90},
};

}  // namespace

std::span<const Schema> schemas() { return all; }

}  // namespace scoria::api
