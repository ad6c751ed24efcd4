#include "app/database.h"

#include <stdexcept>

#include "config/options/database.h"
#include "db/engines/sqlite.h"

namespace scoria::app {

std::unique_ptr<db::Database> open_database(const config::Config& config, Clock& clock) {
  const auto options = config.read<config::DatabaseOptions>();
  const std::string& connection = options.connection.reveal();
  constexpr std::string_view sqlite = "sqlite:///";
  if (connection.starts_with(sqlite)) return db::open_sqlite(clock, {.path = connection.substr(sqlite.size())});
  throw std::runtime_error("[database] connection must begin with sqlite:/// or postgresql://");
}

}  // namespace scoria::app
