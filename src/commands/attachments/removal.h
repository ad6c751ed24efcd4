#pragma once
#include "commands/services.h"
#include "domain/attachments/attachment.h"
#include "engine/start.h"

namespace scoria::commands {

/// Part of a command: begins to end an attachment that has, or is getting, an export, by the operation `removal` (kind
/// attachment.remove). An operation that works on it is asked to stop, and hands over. Refuses with the detail "joined"
/// and the id of a removal that runs already, or "again" when the row has changed since it was seen.
Result<> begin_removal(db::Transaction& tx, Services& services, const Attachment& seen, engine::NewOperation removal, engine::Launch* launch = nullptr);

}  // namespace scoria::commands
