#include "app/database.h"

#include <fcntl.h>

#include <stdexcept>

#include "config/options/database.h"
#include "db/engines/mariadb.h"
#include "db/engines/postgres.h"
#include "db/engines/sqlite.h"
#include "os/files.h"

namespace scoria::app {

std::unique_ptr<db::Database> open_database(const config::Config& config, Clock& clock, Random& random) {
  const auto options = config.read<config::DatabaseOptions>();
  const std::string& connection = options.connection.reveal();
  constexpr std::string_view sqlite = "sqlite:///";
  if (connection.starts_with(sqlite)) {
    const std::string path = connection.substr(sqlite.size());
    // For its owner alone, before anything is in it: password hashes will be. SQLite's other files take after it.
    os::open_file(path, O_RDWR | O_CREAT);
    return db::open_sqlite(clock, {.path = path});
  }
  if (connection.starts_with("postgresql://") || connection.starts_with("postgres://"))
    return db::open_postgres(clock, random, {.connection = connection, .connections = options.max_pool_size, .pool_wait = options.pool_timeout});
  if (db::is_mariadb(connection))
    return db::open_mariadb(clock, random, {.connection = connection, .connections = options.max_pool_size, .pool_wait = options.pool_timeout});
  throw std::runtime_error("[database] connection must begin with sqlite:///, postgresql:// or mariadb:// (mysql+pymysql:// is the same)");
}

}  // namespace scoria::app
