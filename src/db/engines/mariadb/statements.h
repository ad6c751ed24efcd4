#pragma once
#include "db/engines/mariadb/connection.h"

namespace scoria::db::mariadb {

/// One transaction on a connection, begun with its first statement. Each statement is one round trip.
class Statements final : public Transaction {
 public:
  /// read_one: a single statement, a transaction by itself.
  enum class Mode { read_one, read, write };
  Statements(Connection& connection, Mode mode) : connection_(connection), mode_(mode) {}

  void run(std::string_view sql, Values values) override { execute(sql, values); }
  void guard(std::string_view label, std::string_view sql, Values values) override;
  std::int64_t change(std::string_view sql, Values values) override { return execute(sql, values).touched; }
  Rows query(std::string_view sql, Values values) override { return execute(sql, values).rows; }

  /// Commits, or ends the read.
  void finish();
  /// Gives up; nothing stays.
  void abandon();

 private:
  Outcome execute(std::string_view sql, const Values& values);

  Connection& connection_;
  const Mode mode_;
  bool open_ = false;
  bool asked_ = false;  // read_one had its statement
  bool sound_ = true;
};

}  // namespace scoria::db::mariadb
