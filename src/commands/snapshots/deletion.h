#pragma once
#include <string>

#include "commands/services.h"
#include "domain/snapshots/snapshot.h"
#include "identity/context.h"

namespace scoria::commands {

/// Part of a command: takes a snapshot as it was seen, whatever its status, and starts the operation that deletes it,
/// for `parent` (empty: for itself). An operation that works on it is asked to stop, and hands over. Refuses with the
/// detail "joined" when it is being deleted already, or "again" when the row has changed since it was seen.
Result<> begin_deletion(db::Transaction& tx, Services& services, const Context& context, const Snapshot& seen, const std::string& operation,
                        const std::string& parent);

}  // namespace scoria::commands
