#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>

#include "db/database.h"

struct sqlite3;
struct sqlite3_stmt;

namespace scoria::db::sqlite {

struct ConnectionOptions {
  std::string path;
  std::function<Timestamp()> now;
  std::int64_t max_pages = 0;
  bool read_only = false;
};

/// One SQLite connection with its prepared statements. One thread at a time.
class Connection {
 public:
  explicit Connection(ConnectionOptions options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  struct Outcome {
    Rows rows;
    std::int64_t touched = 0;
  };
  /// Runs one statement to its end. With `reading`, a statement that writes throws Error.
  Outcome run(std::string_view sql, const Values& values = {}, bool reading = false);
  /// False also after SQLite rolled back by itself (disk full).
  bool in_transaction() const;
  /// Whether the last statement that failed found no room.
  bool found_no_room() const { return no_room_; }
  /// Rolls back what is open, if anything is. Never throws: what cannot be rolled back is gone with the connection.
  void roll_back();

 private:
  struct Prepared {
    sqlite3_stmt* statement = nullptr;
    std::list<std::string_view>::iterator used;
  };
  sqlite3_stmt* prepare(std::string_view sql);
  [[noreturn]] void fail(std::string_view sql);

  const ConnectionOptions options_;
  sqlite3* handle_ = nullptr;
  std::map<std::string, Prepared, std::less<>> statements_;
  bool no_room_ = false;
  std::list<std::string_view> recent_;  // keys of statements_, latest used first
};

/// Statements on a connection whose transaction somebody else begins and ends.
class Statements final : public Transaction {
 public:
  enum class Mode { read_one, read, write };
  Statements(Connection& connection, Mode mode) : connection_(connection), mode_(mode) {}
  void run(std::string_view sql, Values values) override;
  void guard(std::string_view label, std::string_view sql, Values values) override;
  std::int64_t change(std::string_view sql, Values values) override;
  Rows query(std::string_view sql, Values values) override;
  /// Throws if a statement failed and `work` went on regardless.
  void require_sound() const;

 private:
  Connection::Outcome execute(std::string_view sql, const Values& values);

  Connection& connection_;
  const Mode mode_;
  bool asked_ = false;  // read_one had its statement
  bool sound_ = true;
};

}  // namespace scoria::db::sqlite
