#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "db/engines/postgres/commits.h"
#include "db/engines/postgres/statements.h"
#include "db/pool.h"

namespace scoria::db::postgres {

/// A connection of the pool. Goes back into its slot only when it is clean; unwound by anything else, it is closed and the server rolls back.
struct Taken {
  void give_back() {
    if (!connection->lost()) lease.item = std::move(connection);
  }
  Pool<Connection>::Lease lease;
  std::unique_ptr<Connection> connection;
};

/// A transaction that writes. It keeps what it is told until it asks something: if it never does, it needs no connection of its own and
/// is committed with others.
class Writing final : public Transaction {
 public:
  Writing(std::function<Taken()> take, Commits& commits) : take_(std::move(take)), commits_(commits) {}

  void run(std::string_view sql, Values values) override;
  void guard(std::string_view label, std::string_view sql, Values values) override;
  std::int64_t change(std::string_view sql, Values values) override { return own().change(sql, std::move(values)); }
  Rows query(std::string_view sql, Values values) override { return own().query(sql, std::move(values)); }
  void contended(std::string row) override {
    alone_ |= row.empty();
    next_row_ = std::move(row);
  }

  /// Commits; throws what the statements still waiting throw. False if others may have shared the commit, or there was none to make.
  bool finish(bool in_company);
  /// Gives up without waiting; nothing stays.
  void abandon();

 private:
  void keep(Draft draft);
  /// On a connection of its own from now on, with what was kept so far.
  Statements& own();

  const std::function<Taken()> take_;
  Commits& commits_;
  std::vector<Draft> drafts_;
  std::string next_row_;
  std::optional<Taken> taken_;
  std::optional<Statements> statements_;
  bool alone_ = false;
  bool sound_ = true;
};

}  // namespace scoria::db::postgres
