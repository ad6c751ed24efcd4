#pragma once
#include <span>

#include "db/migrate.h"

namespace scoria::store {

/// Every step of the schema, oldest first: src/store/migrations/*.sql, built in.
std::span<const db::Migration> migrations();

}  // namespace scoria::store
