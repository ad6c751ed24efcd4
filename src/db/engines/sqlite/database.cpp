#include <time.h>

#include <set>

#include "db/engines/sqlite.h"
#include "db/engines/sqlite/connection.h"
#include "db/engines/sqlite/file_lock.h"
#include "db/engines/sqlite/writer.h"
#include "db/faults.h"
#include "db/listener.h"
#include "db/pool.h"

namespace scoria::db {
namespace {

using sqlite::Connection;
using sqlite::ConnectionOptions;
using sqlite::Statements;

Timestamp wall_clock() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return {std::int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000};
}

/// A transaction on a connection: rolled back unless committed, also when the thread is unwound by something that is no
/// error (a simulated kill). Rolling back what is not committed writes nothing.
class OpenTransaction {
 public:
  OpenTransaction(Connection& connection, std::string_view begin) : connection_(connection) { connection_.run(begin); }
  ~OpenTransaction() { connection_.roll_back(); }
  OpenTransaction(const OpenTransaction&) = delete;
  OpenTransaction& operator=(const OpenTransaction&) = delete;
  void commit() { connection_.run("COMMIT"); }

 private:
  Connection& connection_;
};

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(Clock& clock, SqliteOptions options);

  Engine engine() const override { return Engine::sqlite; }
  Statistics statistics() const override;
  void run_transaction(const std::function<bool(Transaction&)>& work) override;
  void run_read(const std::function<void(Transaction&)>& work) override;
  void run_read_alone(const std::function<void(Transaction&)>& work) override;
  void poke(std::string_view queue) override { listener_.tell(queue); }
  void on_poke(std::function<void(std::string_view)> listener) override { listener_.set(std::move(listener)); }
  void hold_beacon(std::int64_t incarnation) override;
  std::vector<std::int64_t> beacons_held(const std::vector<std::int64_t>& incarnations) override;

 private:
  bool run_inline(const std::function<bool(Transaction&)>& work);
  ConnectionOptions connection(bool read_only) const;
  Pool<Connection>::Lease reader();

  Clock& clock_;
  const SqliteOptions options_;
  std::optional<sqlite::FileLock> lock_;
  Nesting nesting_;
  std::unique_ptr<sqlite::Writer> writer_;  // none with inline execution
  Pool<Connection> readers_;                // with inline execution the one connection for everything
  Listener listener_;
  std::atomic<std::uint64_t> transactions_{0};
  std::atomic<std::uint64_t> reads_{0};

  std::mutex mutex_;
  std::set<std::int64_t> beacons_;  // guarded by mutex_
};

SqliteDatabase::SqliteDatabase(Clock& clock, SqliteOptions options)
    : clock_(clock), options_(std::move(options)),
      readers_(clock, options_.inline_execution ? 1 : static_cast<std::size_t>(options_.readers)) {
  const bool memory = options_.path == ":memory:";
  if (memory && !options_.inline_execution) throw Error("a database in memory runs inline only");
  if (!memory) lock_.emplace(options_.path + "-lock");
  if (!options_.inline_execution)
    writer_ = std::make_unique<sqlite::Writer>(clock_, nesting_, std::make_unique<Connection>(connection(false)), options_.wait_limit);
}

ConnectionOptions SqliteDatabase::connection(bool read_only) const {
  return {.path = options_.path, .now = options_.now ? options_.now : wall_clock, .max_pages = options_.max_pages, .read_only = read_only};
}

Statistics SqliteDatabase::statistics() const {
  const std::uint64_t transactions = transactions_;
  return {.transactions = transactions, .commits = writer_ ? writer_->commits() : transactions, .reads = reads_};
}

void SqliteDatabase::run_transaction(const std::function<bool(Transaction&)>& work) {
  const Nesting::Scope scope(nesting_);
  faults::before_begin();
  if (!(writer_ ? writer_->run(work) : run_inline(work))) return;
  ++transactions_;
  faults::after_commit();
}

bool SqliteDatabase::run_inline(const std::function<bool(Transaction&)>& work) {
  auto lease = readers_.take(options_.wait_limit);
  if (!lease.item) lease.item = std::make_unique<Connection>(connection(false));
  OpenTransaction open(*lease.item, "BEGIN IMMEDIATE");
  Statements tx(*lease.item, Statements::Mode::write);
  const bool wanted = work(tx);
  tx.require_sound();
  if (wanted) faults::before_commit();
  if (wanted) open.commit();
  return wanted;
}

Pool<Connection>::Lease SqliteDatabase::reader() {
  faults::before_read();
  auto lease = readers_.take(options_.wait_limit);
  if (!lease.item) lease.item = std::make_unique<Connection>(connection(!options_.inline_execution));
  return lease;
}

void SqliteDatabase::run_read(const std::function<void(Transaction&)>& work) {
  const Nesting::Scope scope(nesting_);
  const auto lease = reader();
  OpenTransaction open(*lease.item, "BEGIN");
  Statements tx(*lease.item, Statements::Mode::read);
  work(tx);
  tx.require_sound();
  ++reads_;
}

void SqliteDatabase::run_read_alone(const std::function<void(Transaction&)>& work) {
  const Nesting::Scope scope(nesting_);
  const auto lease = reader();
  Statements tx(*lease.item, Statements::Mode::read_one);
  work(tx);
  tx.require_sound();
  ++reads_;
}

void SqliteDatabase::hold_beacon(std::int64_t incarnation) {
  const std::lock_guard lock(mutex_);
  beacons_.insert(incarnation);
}

std::vector<std::int64_t> SqliteDatabase::beacons_held(const std::vector<std::int64_t>& incarnations) {
  const std::lock_guard lock(mutex_);
  std::vector<std::int64_t> held;
  for (const std::int64_t one : incarnations)
    if (beacons_.contains(one)) held.push_back(one);
  return held;
}

}  // namespace

std::unique_ptr<Database> open_sqlite(Clock& clock, SqliteOptions options) {
  return std::make_unique<SqliteDatabase>(clock, std::move(options));
}

}  // namespace scoria::db
