#pragma once
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "db/database.h"

namespace scoria::db {

struct MariadbOptions {
  /// mariadb://USER:PASSWORD@HOST[:PORT][,HOST[:PORT]…]/NAME[?ssl_ca=…&unix_socket=…], or as Cinder writes it
  /// (mysql://, mysql+pymysql:// …). Of several hosts the first that lives and may be written is used by everybody.
  std::string connection;
  int connections = 16;
  /// How long a call waits for a free connection before it throws Error.
  Duration pool_wait = std::chrono::seconds{10};
  Duration connect_timeout = std::chrono::seconds{5};
  /// The server gives up a statement, or its wait for a lock, after this time, we give up the connection a little later; 0: neither does.
  Duration statement_timeout = std::chrono::seconds{30};
  /// The server ends a transaction whose process says nothing for so long: a stopped process must not keep its locks.
  Duration idle_in_transaction_timeout = std::chrono::seconds{10};
  /// How often one transaction is run in all, after deadlocks, failed certifications and links lost before COMMIT.
  int attempts = 10;
  /// How often the listener of pokes is told to look at every queue: pokes are datagrams and may be lost.
  Duration poll = std::chrono::milliseconds{250};
};

/// True for a [database] connection that this engine serves.
bool is_mariadb(std::string_view connection);

/// MariaDB 10.6 or later: one server, a primary with its replicas, or a Galera cluster. Never waits for the server and
/// throws only if the connection URL is wrong. One more connection, with a thread of its own, carries beacons once one of
/// them or pokes are used; pokes go as datagrams from process to process.
std::unique_ptr<Database> open_mariadb(Clock& clock, Random& random, MariadbOptions options);

}  // namespace scoria::db
