#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "db/database.h"
#include "domain/attachments/attachment.h"

namespace scoria::store::attachments {

extern const std::string_view columns;
Attachment read(const db::Rows& rows, std::size_t row);

std::optional<Attachment> find(db::Transaction& tx, const AttachmentId& id);
std::vector<Attachment> of_volume(db::Transaction& tx, const VolumeId& id);
/// Of several volumes in one statement, oldest first.
std::map<std::string, std::vector<Attachment>> of_volumes(db::Transaction& tx, const std::vector<std::string>& volume_ids);

}  // namespace scoria::store::attachments
