#pragma once
#include <string>
#include <vector>

#include "db/database.h"

namespace scoria::db::mariadb {

/// Nobody else changes the schema until the connection of this transaction is closed. Throws Error if that takes minutes.
void lock_schema(Transaction& tx);

/// The statements of one step of the schema. MariaDB commits each change of the schema by itself, so how far the step has
/// come is recorded statement by statement: one that died half-way is gone on with, and its last statement may run twice.
void run_step(Transaction& tx, int version, const std::vector<std::string>& statements);

}  // namespace scoria::db::mariadb
