#include <thread>

#include "base/check.h"
#include "base/failpoint.h"
#include "db/engines/postgres.h"
#include "db/engines/postgres/commits.h"
#include "db/engines/postgres/connection.h"
#include "db/engines/postgres/look_ups.h"
#include "db/engines/postgres/session.h"
#include "db/engines/postgres/statements.h"
#include "db/engines/postgres/writing.h"
#include "db/faults.h"
#include "db/listener.h"
#include "db/nesting.h"
#include "db/values.h"
#include "observe/log.h"

namespace scoria::db {
namespace {

using postgres::Connection;
using postgres::Draft;
using postgres::Rerun;
using postgres::Statements;
using postgres::Taken;
using postgres::Writing;

PostgresOptions without_limits(PostgresOptions options) {
  options.statement_timeout = Duration::zero();
  options.idle_in_transaction_timeout = Duration::zero();
  return options;
}

/// How many exchanges that take others along are under way at once. Each keeps two busy, who sends and who answers: more of them
/// are smaller, and cost more for each that they take along.
int leaders() { return static_cast<int>(std::max(std::thread::hardware_concurrency() / 2, 1u)); }

/// The one statement of a read, among those of others.
class LookUp final : public Transaction {
 public:
  explicit LookUp(postgres::LookUps& all) : all_(all) {}
  void run(std::string_view sql, Values values) override { ask(sql, std::move(values)); }
  void guard(std::string_view, std::string_view, Values) override { throw Error("a read may not write"); }
  std::int64_t change(std::string_view sql, Values values) override { return ask(sql, std::move(values)).touched; }
  Rows query(std::string_view sql, Values values) override { return ask(sql, std::move(values)).rows; }

 private:
  postgres::Outcome ask(std::string_view sql, Values values) {
    SCORIA_CHECK(!std::exchange(asked_, true), "a second statement in a read of one");
    require_storable(values);
    return all_.ask(sql, std::move(values));
  }

  postgres::LookUps& all_;
  bool asked_ = false;
};

class PostgresDatabase final : public Database {
 public:
  PostgresDatabase(Clock& clock, Random& random, PostgresOptions options)
      : clock_(clock), random_(random), options_(std::move(options)), pool_(clock, static_cast<std::size_t>(options_.connections)) {}

  Engine engine() const override { return Engine::postgres; }
  Statistics statistics() const override;
  void run_transaction(const std::function<bool(Transaction&)>& work) override;
  void run_schema_change(const std::function<bool(Transaction&)>& work) override;
  void run_read(const std::function<void(Transaction&)>& work) override { read_in(Statements::Mode::read, work); }
  void run_read_one(const std::function<void(Transaction&)>& work) override;
  void poke(std::string_view queue) override;
  void on_poke(std::function<void(std::string_view)> listener) override;
  void hold_beacon(std::int64_t incarnation) override { session().hold(incarnation); }
  std::vector<std::int64_t> beacons_held(const std::vector<std::int64_t>& incarnations) override;

 private:
  /// Runs `attempt` until it neither deadlocks nor loses its link before COMMIT, within limits.
  template <class Attempt>
  auto with_retries(const Attempt& attempt);
  /// `work` on a pooled connection that is clean again afterwards, or gone.
  void on_connection(postgres::Use use, const std::function<void(Connection&)>& work);
  void in_statements(Statements::Mode mode, const std::function<void(Statements&)>& work);
  Taken take(postgres::Use use);
  postgres::Answers look_up(std::span<postgres::LookUps::Ask* const> asks);
  postgres::Answers commit(std::span<Draft* const> drafts);
  void read_in(Statements::Mode mode, const std::function<void(Transaction&)>& work);
  std::unique_ptr<Connection> connected(std::unique_ptr<Connection> pooled);
  void pause(int attempt);
  postgres::Session& session();

  Clock& clock_;
  Random& random_;
  const PostgresOptions options_;
  const PostgresOptions patient_ = without_limits(options_);
  Nesting nesting_;
  Pool<Connection> pool_;
  postgres::LookUps look_ups_{clock_, leaders(), [this](auto asks) { return look_up(asks); }};
  postgres::Commits commits_{clock_, leaders(), [this](auto drafts) { return commit(drafts); }};
  std::atomic<std::uint64_t> transactions_{0}, commits_made_{0}, reads_{0}, retries_{0};
  postgres::Shared shared_;

  Listener listener_;
  std::atomic<bool> bootstrapped_{false};
  std::mutex mutex_;
  std::unique_ptr<postgres::Session> session_;  // guarded by mutex_; last: its thread uses the rest
};

Statistics PostgresDatabase::statistics() const {
  return {.transactions = transactions_, .commits = commits_made_, .reads = reads_, .retries = retries_, .round_trips = shared_.round_trips};
}

void PostgresDatabase::pause(int attempt) {
  ++retries_;
  const std::int64_t most = std::int64_t{1000} << std::min(attempt, 7);
  clock_.sleep(Duration{static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most)))});
}

template <class Attempt>
auto PostgresDatabase::with_retries(const Attempt& attempt) {
  for (int number = 1;; ++number) {
    try {
      return attempt();
    } catch (const Rerun& again) {
      if (number >= options_.attempts) throw Error(again.what());
      log::debug("db", {}, "transaction run again: {}", again.what());
    }
    pause(number);
  }
}

std::unique_ptr<Connection> PostgresDatabase::connected(std::unique_ptr<Connection> pooled) {
  if (pooled && pooled->usable()) {
    pooled->forget_some();
    return pooled;
  }
  pooled = std::make_unique<Connection>(clock_, options_, shared_);
  if (!bootstrapped_) postgres::bootstrap(*pooled);
  bootstrapped_ = true;
  return pooled;
}

Taken PostgresDatabase::take(postgres::Use use) {
  try {
    FAILPOINT("db.postgres.take");
  } catch (const failpoint::Injected& injected) {
    throw Error(injected.what());
  }
  auto lease = pool_.take(options_.pool_wait, [use](const Connection& one) { return one.use() == use; });
  std::unique_ptr<Connection> connection = connected(std::move(lease.item));
  return {std::move(lease), std::move(connection)};
}

void PostgresDatabase::on_connection(postgres::Use use, const std::function<void(Connection&)>& work) {
  Taken taken = take(use);
  try {
    work(*taken.connection);
  } catch (const std::exception&) {
    taken.give_back();
    throw;
  }
  taken.give_back();
}

void PostgresDatabase::in_statements(Statements::Mode mode, const std::function<void(Statements&)>& work) {
  on_connection(mode == Statements::Mode::write ? postgres::Use::write : postgres::Use::read, [&](Connection& connection) {
    Statements statements(connection, mode);
    try {
      work(statements);
    } catch (const std::exception&) {
      statements.abandon();
      throw;
    }
  });
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

void PostgresDatabase::run_schema_change(const std::function<bool(Transaction&)>& work) {
  const Nesting::Scope scope(nesting_);
  with_retries([&] {
    Connection connection(clock_, patient_, shared_);
    postgres::bootstrap(connection);
    Statements statements(connection, Statements::Mode::write);
    end(statements, work(statements));
  });
}

/// The second attempt is made alone, so that a transaction that ends its connection takes nobody else with it for long.
void PostgresDatabase::run_transaction(const std::function<bool(Transaction&)>& work) {
  const Nesting::Scope scope(nesting_);
  bool in_company = true;
  const bool committed = with_retries([&] {
    faults::before_begin();
    Writing writing([this] { return take(postgres::Use::write); }, commits_);
    try {
      const bool wanted = work(writing);
      if (wanted) {
        commits_made_ += writing.finish(std::exchange(in_company, false)) ? 1 : 0;
      } else {
        writing.abandon();
      }
      return wanted;
    } catch (const std::exception&) {
      writing.abandon();
      throw;
    }
  });
  if (!committed) return;
  ++transactions_;
  faults::after_commit();
}

void PostgresDatabase::read_in(Statements::Mode mode, const std::function<void(Transaction&)>& work) {
  const Nesting::Scope scope(nesting_);
  with_retries([&] {
    faults::before_read();
    in_statements(mode, [&](Statements& statements) {
      work(statements);
      statements.finish();
    });
  });
  ++reads_;
}

postgres::Answers PostgresDatabase::look_up(std::span<postgres::LookUps::Ask* const> asks) {
  postgres::Answers answers;
  on_connection(postgres::Use::read, [&](Connection& connection) {
    connection.use_to(postgres::Use::read);
    std::vector<const postgres::Statement*> statements;
    statements.reserve(asks.size());
    for (postgres::LookUps::Ask* ask : asks) {
      ask->statement.prepared = &connection.prepare(ask->sql);
      statements.push_back(&ask->statement);
    }
    answers = connection.exchange_each(statements, postgres::Ending::closed);
  });
  return answers;
}

postgres::Answers PostgresDatabase::commit(std::span<Draft* const> drafts) {
  postgres::Answers answers;
  on_connection(postgres::Use::write, [&](Connection& connection) {
    connection.use_to(postgres::Use::write);
    std::vector<const postgres::Statement*> statements;
    statements.reserve(drafts.size());
    for (Draft* draft : drafts) {
      draft->statement.prepared = draft->guards ? &connection.prepare_guard(draft->sql) : &connection.prepare(draft->sql);
      statements.push_back(&draft->statement);
    }
    answers = connection.exchange_each(statements, postgres::Ending::commits);
  });
  if (!answers.failure) ++commits_made_;
  return answers;
}

/// The second attempt is made alone, so that a statement that ends its connection takes nobody else with it for long.
void PostgresDatabase::run_read_one(const std::function<void(Transaction&)>& work) {
  const Nesting::Scope scope(nesting_);
  bool together = true;
  with_retries([&] {
    faults::before_read();
    if (!std::exchange(together, false)) return in_statements(Statements::Mode::read_one, [&](Statements& statements) {
      work(statements);
      statements.finish();
    });
    LookUp one(look_ups_);
    work(one);
  });
  ++reads_;
}

postgres::Session& PostgresDatabase::session() {
  const std::lock_guard lock(mutex_);
  if (!session_) session_ = std::make_unique<postgres::Session>(clock_, options_, shared_, [this](std::string_view queue) { listener_.tell(queue); });
  return *session_;
}

void PostgresDatabase::poke(std::string_view queue) {
  listener_.tell(queue);
  session().poke(queue);
}

void PostgresDatabase::on_poke(std::function<void(std::string_view)> listener) {
  const bool listens = static_cast<bool>(listener);
  listener_.set(std::move(listener));
  if (listens) session();
}

std::vector<std::int64_t> PostgresDatabase::beacons_held(const std::vector<std::int64_t>& incarnations) {
  if (incarnations.empty()) return {};
  return read_one([&](Transaction& tx) {
    // Two-key advisory locks: the first key, an int, shows as classid, an unsigned oid.
    const Rows rows = tx.query(
        "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        " AND classid::bigint = (hashtext(current_schema())::bigint & 4294967295) AND {in_numbers:CAST(objid AS bigint):?} ORDER BY 1",
        {list_of(incarnations)});
    std::vector<std::int64_t> held;
    for (std::size_t row = 0; row < rows.size(); ++row) held.push_back(rows.at(row, 0).integer());
    return held;
  });
}

}  // namespace

std::unique_ptr<Database> open_postgres(Clock& clock, Random& random, PostgresOptions options) {
  return std::make_unique<PostgresDatabase>(clock, random, std::move(options));
}

}  // namespace scoria::db
