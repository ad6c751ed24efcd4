#pragma once
#include <span>

#include "db/migrate.h"

namespace scoria::store {

/// Every step of the schema, oldest first: src/store/migrations/*.sql, built in.
std::span<const db::Migration> migrations();

/// The step whose data this build relies on: it starts only where that one was finalised and its fills are over. Raised by the
/// release that first reads what an earlier one began to write twice.
inline constexpr int oldest_schema = 1;

}  // namespace scoria::store
