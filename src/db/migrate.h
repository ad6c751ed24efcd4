#pragma once
#include <span>
#include <string_view>

#include "db/database.h"

namespace scoria::db {

/// One step of the schema. `sql` holds statements that end with `;` at a line's end, in the words of db/dialect.h;
/// lines between `-- sqlite:`, `-- postgres:` or `-- mariadb:` and the next `-- all:` are for that engine only. Once released, its text
/// never changes: a later step corrects it. Text columns compare and sort byte by byte on every engine, whatever the
/// database's own collation.
struct Migration {
  int version = 0;  // from 1, without gaps
  std::string_view name;
  std::string_view sql;
};

/// The newest step applied, 0 for an empty database.
int schema_version(Database& database);

/// Applies what is missing, each step in a transaction of its own (MariaDB, which has none for the schema: statement by
/// statement, and the next call goes on where one died), and returns how many that were. Any number of
/// processes may call it at once. Throws Error, and changes nothing, if an applied step differs from the one known here
/// or the database has a newer one.
int migrate(Database& database, std::span<const Migration> migrations);

}  // namespace scoria::db
