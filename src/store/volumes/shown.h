#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"
#include "domain/volumes/volume.h"
#include "store/list_sql.h"

/// Volumes as answers show them.
namespace scoria::store::volumes {

struct ShownAttachment {
  std::string id, instance_id, host, mountpoint;
  Timestamp attach_time, created_at;
};

/// What answers show of a volume: views into the Rows it was read from, or the Volume it was made of. Empty: unset.
struct Shown {
  std::string_view id, project_id, user_id, name, description, status, migration_status, replication_status, type, zone, backend, pool,
      provider_name, snapshot_id, source_volid, group_id, metadata, image_metadata;
  std::string_view type_name, service_uuid, cluster;  // of other rows: Names (names.h) fills them in
  std::int64_t size_gib = 0;
  bool bootable = false, multiattach = false, readonly = false, consumes_quota = true;
  Timestamp created_at, updated_at;
  std::vector<ShownAttachment> attachments;  // in use, oldest first
};

extern const ListTable list_table;
/// What a list answered, with what is attached: one more statement if anything is.
std::vector<Shown> read_page(db::Transaction& tx, const db::Rows& rows);

/// A row for read_shown(), or none: there is no such volume.
db::Rows find_shown(db::Transaction& tx, const VolumeId& id);
Shown read_shown(const db::Rows& rows);
/// What the row alone tells.
Shown shown(const Volume& volume);

}  // namespace scoria::store::volumes
