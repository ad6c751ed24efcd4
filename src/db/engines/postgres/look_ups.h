#pragma once
#include "db/engines/postgres/company.h"
#include "db/engines/postgres/connection.h"

namespace scoria::db::postgres {

/// Joins the look-ups of several threads into one exchange with the server (decision 6).
class LookUps {
 public:
  struct Ask {
    std::string_view sql;
    Statement statement;  // its `prepared` is of the connection that sends it
    std::optional<Outcome> outcome;
    std::exception_ptr failure;
  };
  /// Sends the statements in one go. Throws if nobody gets an answer: no connection was to be had, or it was lost.
  using Exchange = std::function<Answers(std::span<Ask* const>)>;

  LookUps(Clock& clock, int leaders, Exchange exchange, Duration patience = std::chrono::milliseconds{20});

  /// Throws what the statement, or the exchange that it was in, failed with: Rerun if that was lost.
  Outcome ask(std::string_view sql, Values values);

 private:
  void serve(std::span<Ask* const> asks) const;

  const Exchange exchange_;
  Company<Ask> company_;
};

}  // namespace scoria::db::postgres
