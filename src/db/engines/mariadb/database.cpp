#include <mysql.h>

#include "base/failpoint.h"
#include "db/engines/mariadb.h"
#include "db/engines/mariadb/connection.h"
#include "db/engines/mariadb/session.h"
#include "db/engines/mariadb/statements.h"
#include "db/faults.h"
#include "db/listener.h"
#include "db/nesting.h"
#include "db/pool.h"
#include "db/values.h"
#include "observe/log.h"

namespace scoria::db {
namespace {

using mariadb::Connection;
using mariadb::Rerun;
using mariadb::Statements;

class MariadbDatabase final : public Database {
 public:
  MariadbDatabase(Clock& clock, Random& random, MariadbOptions options)
      : clock_(clock), random_(random), shared_(options, mariadb::parse_address(options.connection)), pool_(clock, static_cast<std::size_t>(options.connections)) {}

  Engine engine() const override { return Engine::mariadb; }
  Statistics statistics() const override;
  void run_transaction(const std::function<bool(Transaction&)>& work) override;
  void run_schema_change(const std::function<bool(Transaction&)>& work) override;
  void run_read(const std::function<void(Transaction&)>& work) override { read_in(Statements::Mode::read, work); }
  void run_read_one(const std::function<void(Transaction&)>& work) override { read_in(Statements::Mode::read_one, work); }
  void poke(std::string_view queue) override;
  void on_poke(std::function<void(std::string_view)> listener) override;
  void hold_beacon(std::int64_t incarnation) override { session().hold(incarnation); }
  std::vector<std::int64_t> beacons_held(const std::vector<std::int64_t>& incarnations) override;

 private:
  /// Runs `attempt` until it neither deadlocks nor loses its link before COMMIT, within limits.
  template <class Attempt>
  auto with_retries(const Attempt& attempt);
  /// `work` in a transaction on a pooled connection that is clean again afterwards, or gone.
  void on_connection(Statements::Mode mode, const std::function<void(Statements&)>& work);
  void read_in(Statements::Mode mode, const std::function<void(Transaction&)>& work);
  std::unique_ptr<Connection> connected(std::unique_ptr<Connection> pooled);
  void pause(int attempt);
  mariadb::Session& session();

  Clock& clock_;
  Random& random_;
  mariadb::Shared shared_;
  Nesting nesting_;
  Pool<Connection> pool_;
  std::atomic<std::uint64_t> transactions_{0}, reads_{0}, retries_{0};

  Listener listener_;
  std::mutex mutex_;
  std::unique_ptr<mariadb::Session> session_;  // guarded by mutex_; last: its thread uses the rest
};

Statistics MariadbDatabase::statistics() const {
  return {.transactions = transactions_, .commits = transactions_, .reads = reads_, .retries = retries_, .round_trips = shared_.round_trips};
}

void MariadbDatabase::pause(int attempt) {
  ++retries_;
  const std::int64_t most = std::int64_t{1000} << std::min(attempt, 7);
  clock_.sleep(Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most)))});
}

template <class Attempt>
auto MariadbDatabase::with_retries(const Attempt& attempt) {
  for (int number = 1;; ++number) {
    try {
      return attempt();
    } catch (const Rerun& again) {
      if (number >= shared_.options.attempts) throw Error(again.what());
      log::debug("db", {}, "transaction run again: {}", again.what());
    }
    pause(number);
  }
}

std::unique_ptr<Connection> MariadbDatabase::connected(std::unique_ptr<Connection> pooled) {
  if (!pooled || !pooled->usable()) return std::make_unique<Connection>(clock_, shared_);
  pooled->forget_some();
  return pooled;
}

void MariadbDatabase::on_connection(Statements::Mode mode, const std::function<void(Statements&)>& work) {
  try {
    FAILPOINT("db.mariadb.take");
  } catch (const failpoint::Injected& injected) {
    throw Error(injected.what());
  }
  auto lease = pool_.take(shared_.options.pool_wait);
  // Goes back into its slot only when it is clean; unwound by anything else, it is closed and the server rolls back.
  std::unique_ptr<Connection> connection = connected(std::move(lease.item));
  Statements statements(*connection, mode);
  try {
    work(statements);
  } catch (const std::exception&) {
    statements.abandon();
    if (!connection->lost()) lease.item = std::move(connection);
    throw;
  }
  if (!connection->lost()) lease.item = std::move(connection);
}

/// Commits if wanted, and tells so.
bool end(Statements& statements, bool wanted) {
  if (wanted) {
    statements.finish();
  } else {
    statements.abandon();
  }
  return wanted;
}

void MariadbDatabase::run_schema_change(const std::function<bool(Transaction&)>& work) {
  const Nesting::Scope scope(nesting_);
  with_retries([&] {
    Connection connection(clock_, shared_, true);
    Statements statements(connection, Statements::Mode::write);
    end(statements, work(statements));
  });
}

void MariadbDatabase::run_transaction(const std::function<bool(Transaction&)>& work) {
  const Nesting::Scope scope(nesting_);
  const bool committed = with_retries([&] {
    faults::before_begin();
    bool wanted = false;
    on_connection(Statements::Mode::write, [&](Statements& statements) { wanted = end(statements, work(statements)); });
    return wanted;
  });
  if (!committed) return;
  ++transactions_;
  faults::after_commit();
}

void MariadbDatabase::read_in(Statements::Mode mode, const std::function<void(Transaction&)>& work) {
  const Nesting::Scope scope(nesting_);
  with_retries([&] {
    faults::before_read();
    on_connection(mode, [&](Statements& statements) {
      work(statements);
      statements.finish();
    });
  });
  ++reads_;
}

mariadb::Session& MariadbDatabase::session() {
  const std::lock_guard lock(mutex_);
  if (!session_) session_ = std::make_unique<mariadb::Session>(clock_, shared_, [this](std::string_view queue) { listener_.tell(queue); });
  return *session_;
}

void MariadbDatabase::poke(std::string_view queue) {
  listener_.tell(queue);
  session().poke(queue);
}

void MariadbDatabase::on_poke(std::function<void(std::string_view)> listener) {
  const bool listens = static_cast<bool>(listener);
  listener_.set(std::move(listener));
  if (listens) session();
}

std::vector<std::int64_t> MariadbDatabase::beacons_held(const std::vector<std::int64_t>& incarnations) {
  if (incarnations.empty() || shared_.galera) return incarnations;
  return read_one([&](Transaction& tx) {
    const Rows rows = tx.query("SELECT value FROM JSON_TABLE(?, '$[*]' COLUMNS (value BIGINT PATH '$')) AS list "
                               "WHERE is_used_lock(concat(?, value)) IS NOT NULL ORDER BY value",
                               {list_of(incarnations), mariadb::beacon_prefix(shared_.address.database)});
    std::vector<std::int64_t> held;
    for (std::size_t row = 0; row < rows.size(); ++row) held.push_back(rows.at(row, 0).integer());
    return held;
  });
}

}  // namespace

std::unique_ptr<Database> open_mariadb(Clock& clock, Random& random, MariadbOptions options) {
  static const int ready = mysql_library_init(0, nullptr, nullptr);  // before any thread uses it
  if (ready != 0) throw Error("the MariaDB client library cannot be used");
  return std::make_unique<MariadbDatabase>(clock, random, std::move(options));
}

}  // namespace scoria::db
