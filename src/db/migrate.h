#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "db/database.h"

namespace scoria::db {

/// One step of the schema. `sql` holds statements that end with `;` at a line's end, in the words of db/dialect.h;
/// lines between `-- sqlite:`, `-- postgres:` or `-- mariadb:` and the next `-- all:` are for that engine only. Once released, its text
/// never changes: a later step corrects it. Text columns compare and sort byte by byte on every engine, whatever the
/// database's own collation. A step only adds (expands), or begins with `-- contract`; what it changes in many rows stands
/// under `-- batches of TABLE by KEY:` (db/migration_text.h).
struct Migration {
  int version = 0;  // from 1, without gaps
  std::string_view name;
  std::string_view sql;
};

/// The newest step applied, 0 for an empty database.
int schema_version(Database& database);

/// The newest step that a program brings a database to by starting: those that contract wait until an upgrade is finalised.
int newest_expansion(std::span<const Migration> migrations);

/// What a program does that meets steps newer than those it knows.
enum class Newer { refuse, tolerate };

/// Applies the missing steps that only add, each in a transaction of its own (MariaDB, which has none for the schema: statement
/// by statement, and the next call goes on where one died), and returns how many that were. In an empty database the others
/// too, and all in one transaction, which takes half the time. Any number of processes may call it at once, while others use the database. Throws Error, and changes nothing, if an
/// applied step differs from the one known here, or is newer and that is to be refused.
int migrate(Database& database, std::span<const Migration> migrations, Newer newer = Newer::refuse);

/// Applies the contract steps up to version `finalised` whose turn has come: every fill before them is over. Returns how many.
int contract(Database& database, std::span<const Migration> migrations, int finalised);

/// How far a change of many rows is.
struct Fill {
  int version = 0;  // of its step
  int part = 0;     // counted within the step
  std::string table;
  std::int64_t rows_done = 0;
  bool finished = false;
};
/// Of every applied step known here, oldest first.
std::vector<Fill> fills(Database& database, std::span<const Migration> migrations);
/// Goes on with the first unfinished fill of a step up to version `finalised` by at most `rows` rows, in a transaction of its
/// own that also records how far it is. False: nothing is left. Any number of processes may do so at once.
bool fill_batch(Database& database, std::span<const Migration> migrations, int finalised, int rows);

/// A step as this program knows it, and whether the database has it.
struct Step {
  int version = 0;
  std::string name;
  bool contract = false;
  bool applied = false;
};
std::vector<Step> steps(Database& database, std::span<const Migration> migrations);

}  // namespace scoria::db
