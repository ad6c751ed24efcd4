#pragma once
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "db/database.h"

namespace scoria::db {

struct PostgresOptions {
  /// libpq's connection string or URI; several hosts follow a failover: the primary among them is used.
  std::string connection;
  int connections = 16;
  /// How long a call waits for a free connection before it throws Error.
  Duration pool_wait = std::chrono::seconds{10};
  Duration connect_timeout = std::chrono::seconds{5};
  /// After so long without an answer one of several hosts may be dead without a word: the others are asked whether they are the primary.
  Duration doubt_after = std::chrono::seconds{2};
  /// The server gives up a statement after this time, we give up the connection a little later; 0: neither does.
  Duration statement_timeout = std::chrono::seconds{30};
  /// The server ends a transaction whose process says nothing for so long: a stopped process must not keep its locks.
  Duration idle_in_transaction_timeout = std::chrono::seconds{10};
  /// How often one transaction is run in all, after deadlocks, serialization failures and links lost before COMMIT.
  int attempts = 10;
};

/// Never waits for the server and never throws: connections are made when needed, and again after they are lost. One
/// more connection, with a thread of its own, carries pokes and beacons once one of them is used.
std::unique_ptr<Database> open_postgres(Clock& clock, Random& random, PostgresOptions options);

}  // namespace scoria::db
