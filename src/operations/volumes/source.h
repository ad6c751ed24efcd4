#pragma once
#include "base/result.h"
#include "domain/volumes/shapes.h"
#include "engine/operation.h"

namespace scoria::operations {

/// The published object that a create operation copies from, with its place; unplaced if there is no source.
Result<Placement> source_object(db::Database& database, const engine::Operation& operation);

}  // namespace scoria::operations
