#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
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

/// Answers id and name.
extern const ListTable list_table;

/// Whether the reader of a page has that revision of a volume, which stands at `position` of the page.
using Has = std::function<bool(std::size_t position, std::string_view id, std::int64_t rev)>;

/// A page of volumes in detail.
struct Page {
  struct Volume {
    std::string_view id;
    std::int64_t rev = 0;  // another one whenever anything has changed that is shown of its row
    std::optional<std::size_t> read;  // where it stands in Page::read; none: the reader has it
    std::vector<ShownAttachment> attachments;
  };
  std::vector<Volume> volumes;  // in the list's order
  std::vector<Shown> read;      // without what is attached
  std::optional<std::int64_t> count;
  db::Rows rows, others;  // what the views look at
};
/// One statement for the page, and one for all that is attached to its volumes, if anything is. With `has` the first reads no more
/// than revisions, and one more the volumes that the reader does not have, if any. Refuses as run_list() does.
Result<Page> read_page(db::Transaction& tx, const ListQuery& query, const Has& has = nullptr);

/// A row for each of its attachments in use, or one, for read_shown(); none: there is no such volume.
db::Rows find_shown(db::Transaction& tx, const VolumeId& id);
Shown read_shown(const db::Rows& rows);
/// What the row alone tells.
Shown shown(const Volume& volume);

}  // namespace scoria::store::volumes
