#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "db/database.h"

namespace scoria::db {

struct SqliteOptions {
  /// The file; made if absent, with `path`-wal, `path`-shm and `path`-lock beside it. Not on a network file system.
  std::string path;
  /// What scoria_now() tells; if empty the wall clock without its jumps (sqlite/steady_time.h).
  std::function<Timestamp()> now = {};
  /// Everything runs on the calling thread and one connection, in the order of the calls: for simulation and tests, and
  /// the only way to have path ":memory:".
  bool inline_execution = false;
  int readers = 8;
  /// How long a call waits for its turn before it throws Error.
  Duration wait_limit = std::chrono::seconds{30};
  /// Limits the file, in pages of 4 KiB; 0: the disk is the limit.
  std::int64_t max_pages = 0;
};

/// Opens the file for this process alone; throws Error if another process has it or it cannot be used. Transactions run
/// one after the other on one writer thread; those waiting share one durable COMMIT, and none is answered before it.
std::unique_ptr<Database> open_sqlite(Clock& clock, SqliteOptions options);

}  // namespace scoria::db
