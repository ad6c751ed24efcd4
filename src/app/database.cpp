#include "app/database.h"

#include <fcntl.h>

#include <stdexcept>

#include "config/options/database.h"
#include "config/options/general.h"
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
  // What a stopped node has locked, its lease and its operations among it, is free before its lease ends.
  const Duration idle = std::max<Duration>(config.read<config::EngineOptions>().lease / 2, std::chrono::seconds{1});
  if (connection.starts_with("postgresql://") || connection.starts_with("postgres://"))
    return db::open_postgres(clock, random, {.connection = connection, .connections = options.max_pool_size, .pool_wait = options.pool_timeout,
                                        .idle_in_transaction_timeout = idle});
  if (db::is_mariadb(connection))
    return db::open_mariadb(clock, random, {.connection = connection, .connections = options.max_pool_size, .pool_wait = options.pool_timeout,
                                        .idle_in_transaction_timeout = idle});
  throw std::runtime_error("[database] connection must begin with sqlite:///, postgresql:// or mariadb:// (mysql+pymysql:// is the same)");
}

}  // namespace scoria::app
