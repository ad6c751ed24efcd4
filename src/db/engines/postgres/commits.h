#pragma once
#include "db/engines/postgres/company.h"
#include "db/engines/postgres/connection.h"

namespace scoria::db::postgres {

/// A statement that belongs to no connection yet.
struct Draft {
  std::string sql;
  Statement statement;  // its `prepared` is of the connection that sends it
  bool guards = false;
  std::string row = {};  // see Transaction::contended
};

/// Joins the transactions of several threads that ask nothing into one, which the server makes durable once (decision 17). One
/// that fails takes nobody with it: nothing of a transaction that was shared stays, and each is run again, who failed by itself.
class Commits {
 public:
  /// Sends everything as one transaction: committed if there is no failure, else there are as many outcomes as statements before
  /// the one that failed. Throws if nobody knows: no connection was to be had, or it was lost.
  using Exchange = std::function<Answers(std::span<Draft* const>)>;

  Commits(Clock& clock, int leaders, Exchange exchange, Duration patience = std::chrono::milliseconds{20});

  /// Returns once they are committed. Throws what they fail with by themselves; what the exchange failed with if that was lost.
  void commit(std::vector<Draft> drafts);

 private:
  struct Ask {
    std::vector<Draft> drafts;
    bool committed = false;
    std::exception_ptr failure = nullptr;
  };
  void serve(std::span<Ask* const> asks) const;
  void serve_alone(Ask& ask) const;
  Ask* serve_together(std::span<Ask* const> asks) const;

  const Exchange exchange_;
  Company<Ask> company_;
};

}  // namespace scoria::db::postgres
