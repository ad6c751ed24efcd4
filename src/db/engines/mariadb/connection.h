#pragma once
#include <atomic>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "db/database.h"
#include "db/engines/mariadb.h"
#include "db/engines/mariadb/address.h"
#include "db/engines/mariadb/words.h"

struct st_mysql;
struct st_mysql_stmt;

namespace scoria::db::mariadb {

/// Nothing was committed and running the whole transaction again may succeed: deadlock, a wait for a lock given up, a
/// failed certification, a link lost before COMMIT was sent.
class Rerun : public Error {
 public:
  using Error::Error;
};

struct Outcome {
  Rows rows;
  std::int64_t touched = 0;
};

/// What all connections of one database share.
class Shared {
 public:
  Shared(MariadbOptions wanted, Address where) : options(std::move(wanted)), address(std::move(where)) {}

  const MariadbOptions options;
  const Address address;
  std::atomic<std::uint64_t> round_trips{0};
  /// Rises when the host that writes changes: older connections are not used again. With Galera two writers at once are
  /// to be short, as locks are known to one node only.
  std::atomic<std::uint64_t> generation{1};
  std::atomic<std::size_t> host{0};  // of the newest connection
  std::atomic<bool> galera{false};

  /// The columns of a table's primary key, looked up once.
  std::vector<std::string> keys(class Connection& connection, const std::string& table);
  /// Says once that commits of this server may be lost when it loses power.
  void warn_of_flushing(int setting);

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> keys_;  // guarded by mutex_
  std::atomic<bool> warned_{false};
};

/// One connection. One thread at a time. After an exception with lost() the server rolls back what was open; else the
/// transaction is still open and must be rolled back.
class Connection {
 public:
  /// To the host that served last or else the first, up to `hosts` of them, that lives, is part of its cluster and may be written. Throws Error.
  /// `patient`: without limits of time.
  Connection(Clock& clock, Shared& shared, bool patient = false, std::size_t hosts = 100);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Outcome run(std::string_view sql, const Values& values);
  /// A statement that changes the schema: what is open is committed first, and it commits by itself.
  Outcome change_schema(std::string_view sql, const Values& values);
  void begin_write();
  void begin_read();
  /// Throws Error{commit_unknown} if its answer is lost.
  void commit();
  /// Never throws; the connection is lost if it cannot be done.
  void roll_back() noexcept;

  bool lost() const { return lost_; }
  std::size_t host() const { return host_; }
  /// Between transactions: false if the connection is lost, died while nobody used it, or leads to a host that writes no more.
  bool usable();
  /// Between transactions: keeps the number of prepared statements bounded.
  void forget_some();
  /// The address of this machine that the server sees: one that others on the server's network can reach too.
  std::string own_address() const;

 private:
  struct Failure {
    unsigned code = 0;
    std::string text;
  };
  bool try_host(std::size_t host, bool patient, std::string& why);
  void prepare_session(bool patient);
  bool serves(std::string& why);
  void command(const std::string& sql, bool committing = false);
  Outcome run_plan(const Plan& plan, const Values& values, std::string_view sql);
  Outcome update_returning(const Plan& plan, const Values& values);
  Outcome execute(const std::string& text, std::span<const Value> values);
  st_mysql_stmt* prepare(const std::string& text);
  Rows fetch(st_mysql_stmt* statement);
  void require_duplicates_only(const std::string& text);
  [[noreturn]] void raise(unsigned code, const std::string& text, std::string_view sql, bool committing);
  void forget_all();

  Clock& clock_;
  Shared& shared_;
  st_mysql* handle_ = nullptr;
  std::size_t host_ = 0;
  std::uint64_t generation_ = 0;
  std::map<std::string, Plan, std::less<>> plans_;
  std::map<std::string, st_mysql_stmt*, std::less<>> statements_;
  Instant last_answer_;
  bool lost_ = false;
};

}  // namespace scoria::db::mariadb
