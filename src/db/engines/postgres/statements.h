#pragma once
#include <vector>

#include "db/engines/postgres/connection.h"

namespace scoria::db::postgres {

/// One transaction on a connection. What is run() or guard()ed waits here until an answer is needed or the commit
/// comes, and leaves as one batch: a transaction that asks nothing costs one round trip, its commit included.
/// Reads use the server's implicit transaction: it lasts, and so does its snapshot, until the batch is closed.
class Statements final : public Transaction {
 public:
  /// read_one: a single statement, ended with its answer.
  enum class Mode { read_one, read, write };
  Statements(Connection& connection, Mode mode) : connection_(connection), mode_(mode) { connection.use_to(mode == Mode::write ? Use::write : Use::read); }

  void run(std::string_view sql, Values values) override;
  void guard(std::string_view label, std::string_view sql, Values values) override;
  std::int64_t change(std::string_view sql, Values values) override;
  Rows query(std::string_view sql, Values values) override;

  /// Commits, or ends the read. Throws what the statements still waiting throw.
  void finish();
  /// Gives up without waiting; nothing stays.
  void abandon();

 private:
  void add(Prepared& prepared, Values values, std::string_view label);
  Outcome send(Ending ending);
  /// How batches end before the last.
  Ending between() const { return mode_ == Mode::read ? Ending::open : Ending::closed; }

  Connection& connection_;
  const Mode mode_;
  std::vector<Statement> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool begun_ = false;  // BEGIN waits or was sent
  bool open_ = false;   // the server holds a transaction of ours
  bool asked_ = false;  // read_one had its statement
  bool sound_ = true;
};

}  // namespace scoria::db::postgres
