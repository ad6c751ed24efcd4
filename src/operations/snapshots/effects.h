#pragma once
#include <string>

#include "engine/operation.h"

namespace scoria::operations {

/// The payload of a snapshot's events, version 1.
std::string snapshot_event(const engine::Operation& operation);
/// The row ends: the volume loses a child, quota goes back exactly as it was charged. In the ending transaction.
void end_snapshot(db::Transaction& tx, const engine::Operation& operation);

}  // namespace scoria::operations
