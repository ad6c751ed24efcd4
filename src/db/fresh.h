#pragma once
#include <memory>
#include <string>

#include "base/clock.h"
#include "db/database.h"

/// Databases for tests and benchmarks, without the test framework.
namespace scoria::db::testing {

enum class Kind { sqlite_file, sqlite_memory, postgres, mariadb };

/// An empty database of its own, gone with this object.
class Fresh {
 public:
  virtual ~Fresh() = default;
  virtual Database& database() = 0;
  /// What another process would open it with: the file's path, libpq's connection string or a URL; empty in memory.
  virtual std::string address() const = 0;
};

/// PostgreSQL: a schema of its own in the database that SCORIA_TEST_POSTGRES (a libpq connection string) names. MariaDB: a
/// database of its own on the server of SCORIA_TEST_MARIADB (a URL).
std::unique_ptr<Fresh> make_fresh(Kind kind, Clock& clock);
/// Why this kind cannot be had here, empty if it can.
std::string why_not(Kind kind);
/// True if a missing engine is a failure rather than a reason to skip (SCORIA_REQUIRE_POSTGRES=1, SCORIA_REQUIRE_MARIADB=1).
bool required(Kind kind);

}  // namespace scoria::db::testing
