#pragma once
#include <optional>

#include "db/database.h"
#include "domain/attachments/attachment.h"
#include "domain/qos/qos_specs.h"
#include "domain/volumes/volume.h"

namespace scoria::store::attachments {

/// An attachment with what its export is made from.
struct Exported {
  Attachment attachment;
  Volume volume;
  std::optional<QosSpecs> qos;  // of the volume's type
};
/// In one statement.
std::optional<Exported> find_exported(db::Transaction& tx, const AttachmentId& id);

}  // namespace scoria::store::attachments
