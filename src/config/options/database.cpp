#include "config/options/database.h"

namespace scoria::config {

void DatabaseOptions::declare(Fields& fields) {
  fields.section("database", "Where everything is kept.");
  fields.add("connection", &connection,
             "URL of the database: sqlite:///PATH (one process), postgresql://USER:PASSWORD@HOST/NAME or mariadb://USER:PASSWORD@HOST/NAME (many nodes; "
             "several hosts, with commas between them, are tried in their order). mysql+pymysql:// means mariadb://.")
      .url().familiar().also("DEFAULT.sql_connection");
  fields.add("max_pool_size", &max_pool_size, "Connections that this process opens at most.").between(1, 1000).familiar();
  fields.add("pool_timeout", &pool_timeout, "How long a request waits for a free connection.").between(0.1, 3600).familiar();
  fields.add("max_retries", &max_retries, "How often a start tries again to reach a database that does not answer; -1: without end.").at_least(-1).familiar();
  fields.add("retry_interval", &retry_interval, "Longest wait between two of these tries; the first waits are a tenth of a second and more.").between(0.1, 3600).familiar();
}

}  // namespace scoria::config
