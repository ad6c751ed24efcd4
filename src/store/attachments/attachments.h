#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "db/database.h"
#include "domain/attachments/attachment.h"

namespace scoria::store::attachments {

extern const std::string_view columns;
/// From `column` on.
Attachment read(const db::Rows& rows, std::size_t row, std::size_t column = 0);

std::optional<Attachment> find(db::Transaction& tx, const AttachmentId& id);
/// With what the removal and the completion need of its volume, in one statement.
struct Placed {
  Attachment attachment;
  std::string backend, volume_project;
  std::int64_t attachments = 0;  // of the volume
  bool alone() const { return attachments == 1; }
};
/// What a removal needs to know, as it was seen; and of one that has ended, what was so.
struct Whereabouts {
  VolumeId volume;
  bool alone = false;  // the volume has no other
};
std::optional<Placed> find_placed(db::Transaction& tx, const AttachmentId& id);
std::vector<Attachment> of_volume(db::Transaction& tx, const VolumeId& id);
/// Of several volumes in one statement, oldest first.
std::map<std::string, std::vector<Attachment>> of_volumes(db::Transaction& tx, const std::vector<std::string>& volume_ids);
/// Ids of those that have, or are getting, a connection on this backend.
std::vector<std::string> connected_of_backend(db::Transaction& tx, const std::string& backend);

void insert(db::Transaction& tx, const Attachment& attachment);
/// X on the attachment, whose status is one of the SQL list `from`, for the operation that connects or removes it.
void take(db::Transaction& tx, std::string_view label, const AttachmentId& id, std::string_view operation, std::string_view from, std::string_view to);
/// An operation holds it: `operation` is next, and gets the claim in the commit that ends the other. Guard `label`.
void queue_behind(db::Transaction& tx, std::string_view label, const AttachmentId& id, std::string_view holder, std::string_view operation);
/// What the connecting operation will tell: sealed. With the request.
void prepare(db::Transaction& tx, const AttachmentId& id, const std::string& connector, const std::string& host, const std::string& mode,
             const std::string& sealed_connection);
/// The holder exported it. Guard "attachment.connected".
void settle_connected(db::Transaction& tx, const AttachmentId& id, std::string_view operation, const std::string& sealed_connection);
/// The holder gives it back in another status.
void settle(db::Transaction& tx, const AttachmentId& id, std::string_view operation, std::string_view to);
/// The client says the volume is in use. Guard `label`.
void complete(db::Transaction& tx, std::string_view label, const AttachmentId& id, const std::string& mountpoint);
/// Ends the row: by its holder, or (operation empty) while nobody holds it and nothing was ever exported.
void remove(db::Transaction& tx, std::string_view label, const AttachmentId& id, std::string_view operation);

/// Makes a volume's status follow from its attachments as they are in this transaction. Holds the volume's row from here on.
void follow_attachments(db::Transaction& tx, const VolumeId& volume);
/// The same if the volume is still at `rev`, which is the guard `label`.
void follow_attachments(db::Transaction& tx, std::string_view label, const VolumeId& volume, std::int64_t rev);
/// The same in one short statement where the caller knows all there is, and the guard `label` makes it so. The attachment as this
/// transaction leaves it: of a volume that had none at `rev`,
void follow_first(db::Transaction& tx, std::string_view label, const Attachment& first, std::int64_t rev);
/// of one that has no other,
void follow_only(db::Transaction& tx, std::string_view label, const Attachment& only);
/// or gone, which was the volume's only one.
void follow_last(db::Transaction& tx, std::string_view label, const VolumeId& volume);

}  // namespace scoria::store::attachments
