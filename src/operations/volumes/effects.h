#pragma once
#include <string>

#include "engine/operation.h"

/// What several kinds of operation do to a volume's row when they end.
namespace scoria::operations {

/// The payload of a volume's events, version 1.
std::string volume_event(const engine::Operation& operation);

/// The row ends: the volume is removed, and its quota goes back exactly as it was charged. In the ending transaction.
void end_volume(db::Transaction& tx, const engine::Operation& operation);

}  // namespace scoria::operations
