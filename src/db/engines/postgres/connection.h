#pragma once
#include <atomic>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"
#include "db/engines/postgres.h"

struct pg_conn;
struct pg_result;

namespace scoria::db::postgres {

/// Nothing was committed and running the whole transaction again may succeed: deadlock, serialization failure, a link
/// lost before COMMIT was sent.
class Rerun : public Error {
 public:
  using Error::Error;
};

/// One SQL text as this connection knows it.
struct Prepared {
  std::string text;   // PostgreSQL's words
  std::string name;   // of the prepared statement; empty: not prepared yet
  std::string types;  // by parameter: 'i' bigint, 't' text, '?' as the server infers it
};

struct Statement {
  Prepared* prepared = nullptr;
  Values values;
  std::string label;  // of a guard
};

struct Outcome {
  Rows rows;
  std::int64_t touched = 0;
};

/// The outcomes of the first statements of a batch; if that is not all of them, what the next one failed with. Those behind it
/// were not run.
struct Answers {
  std::vector<Outcome> outcomes;
  std::exception_ptr failure;
};

/// How a batch ends: `open` leaves the server's implicit transaction open for another batch, `closed` ends it. `commits` is a closed one
/// whose end, or whose COMMIT, makes durable what it wrote.
enum class Ending { open, closed, commits };

/// What transactions do that do not begin with BEGIN: read one snapshot, or write at READ COMMITTED.
enum class Use { read, write };

/// What the connections of one database share.
struct Shared {
  std::atomic<std::uint64_t> round_trips{0};
  std::atomic<std::size_t> host{0};          // of those in the connection string: which served last
  std::atomic<std::uint64_t> generation{0};  // how often that was another one than before
  std::atomic<bool> looking{false};          // a connection that hears nothing looks for another host
  std::atomic<Duration::rep> next_look{0};   // and when the next may, since boot
};

/// One connection, always in libpq's pipeline mode. One thread at a time. After an exception with usable() false the
/// server rolls back what was open; else the transaction is still open, in its failed state.
class Connection {
 public:
  /// Connects, of several hosts first to the one that served last; throws Error. `extra` are more settings of the session, as "-c name=value".
  Connection(Clock& clock, const PostgresOptions& options, Shared& shared, std::string_view extra = "") : Connection(clock, options, shared, extra, shared.host) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Looks `sql` up; the result stays valid until forget_some().
  Prepared& prepare(std::string_view sql);
  /// The same for a statement that must touch exactly one row. It must not divide itself.
  Prepared& prepare_guard(std::string_view sql);
  /// Sends all statements at once, waits for all answers and gives the last one's. A lost answer to a batch that commits is
  /// Error{commit_unknown}.
  Outcome exchange(std::span<const Statement> statements, Ending ending);
  /// The same, telling which statement failed. Throws if nobody knows what became of them: the connection is lost, or a commit
  /// is not confirmed.
  Answers exchange_each(std::span<const Statement* const> statements, Ending ending);
  Outcome run(std::string_view sql, Values values = {});
  /// Sends without waiting; the answers are read before the next exchange. For what cannot fail: ROLLBACK.
  void send_only(std::string_view sql);
  /// Ends a batch left open, without waiting.
  void close_batch();
  bool lost() const { return lost_; }
  /// Another host serves now: this one answers nobody any more, or as a standby.
  bool outdated() const { return shared_.generation != generation_; }
  bool several_hosts() const { return hosts_ > 1; }
  /// Between transactions: false if the connection is lost, or died while nobody used it.
  bool usable();
  /// Between transactions: keeps the number of prepared statements bounded.
  void forget_some();
  /// Between transactions: what the next ones are for. At first it is writing.
  void use_to(Use use);
  Use use() const { return use_; }
  /// For the owner's own waiting (notifications).
  pg_conn* handle() { return handle_; }

 private:
  struct Expected {
    const Statement* statement = nullptr;
    bool preparing = false;
  };
  struct Failure {
    std::string state, text, constraint, label;
    bool fatal = false;
    bool of_commit = false;
  };

  Connection(Clock& clock, const PostgresOptions& options, Shared& shared, std::string_view extra, std::size_t first);
  void send(const Statement& statement);
  void send_prepare(Prepared& prepared, const Values& values, const Statement& statement);
  void flush();
  void settle();
  void end_sending(Ending ending);
  void receive(Ending ending, const std::function<void(Outcome)>& take);
  void read_to_sync(std::optional<Failure>* failure = nullptr);
  pg_result* next_result();
  void wait_io(bool writing);
  void look_for_another_host();
  Failure failure_of(const pg_result* result, const Statement& statement) const;
  [[noreturn]] void raise(const Failure& failure);
  [[noreturn]] void lose(const std::string& why);
  static void take_notice(void* self, const pg_result* notice);

  Clock& clock_;
  const PostgresOptions& options_;
  Shared& shared_;
  std::uint64_t generation_ = 0;
  std::size_t host_ = 0, hosts_ = 1;
  pg_conn* handle_ = nullptr;
  std::map<std::string, Prepared, std::less<>> plain_;
  std::map<std::string, Prepared, std::less<>> guards_;
  std::vector<Expected> expected_;
  std::uint64_t names_ = 0;
  int owed_ = 0;            // ends of batches whose answers nobody has read yet
  Instant last_answer_;
  Use use_ = Use::write;
  bool commit_sent_ = false;  // its answer has not come
  bool warned_ = false;     // the server sent a warning since the last answer
  bool lost_ = false;
};

/// Makes the function that every transaction may call, in the schema of the session. Safe to run any number of times.
void bootstrap(Connection& connection);

}  // namespace scoria::db::postgres
