#include "engine/claim.h"

#include <fmt/core.h>

#include "base/failpoint.h"
#include "base/mutants.h"
#include "db/values.h"
#include "observe/metrics.h"

namespace scoria::engine {
namespace {

const metrics::Histograms claim_wait{"scoria_operation_claim_wait_seconds", "From the moment an operation was due to its claim by this node.", {"lane"}};

std::string marks(std::size_t count) {
  std::string out = "?";
  for (std::size_t i = 1; i < count; ++i) out += ", ?";
  return out;
}

}  // namespace

std::vector<Operation> claim(db::Database& database, const Clock& clock, const Kinds& kinds, std::int64_t inc, std::span<const std::string> queues, std::size_t limit,
                             const ClaimLimits& limits) {
  if (queues.empty() || limit == 0) return {};
  FAILPOINT("engine.claim.before");
  const bool bound = limits.any();
  const std::string sql = fmt::format(
      "WITH c AS (SELECT o.seq FROM operation o WHERE {} AND o.state {} AND o.run_at <= scoria_now() AND {} "
      "ORDER BY o.prio DESC, o.run_at, o.seq LIMIT ?{{skip_locked}}) "
      "UPDATE operation SET state = 'running', epoch = epoch + 1, owner = ?, claimed_at = scoria_now(), updated_at = scoria_now(), waits_on = NULL, "
      "backend_gen = (SELECT gen FROM backend WHERE backend.name = operation.backend) "
      "WHERE seq IN (SELECT seq FROM c) RETURNING {}, scoria_now()",
      bound ? "{in_numbers:o.seq:?}" : "o.queue IN (" + marks(queues.size()) + ")", MUTANT(claim_any_state) ? "<> 'waiting'" : "= 'ready'", known_work,
      operation_columns);

  std::vector<Operation> out;
  database.write([&](db::Transaction& tx) {
    out.clear();
    // A change of site waits for claims under way and then sees all of them.
    tx.run("SELECT name FROM backend WHERE name IN (" + marks(queues.size()) + "){for_share}", db::Values(queues.begin(), queues.end()));
    db::Values values(queues.begin(), queues.end());
    if (bound) values = {db::list_of(within_limits(tx, kinds, queues, limit, limits))};
    values.push_back(kinds.known());
    values.emplace_back(static_cast<std::int64_t>(limit));
    values.emplace_back(inc);
    const db::Rows rows = tx.query(sql, values);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      out.push_back(read_operation(rows, i));
      if (out.back().deadline) out.back().expires = clock.now() + (out.back().deadline - rows.at(i, rows.columns() - 1).time());
    }
    if (out.empty()) return;
    std::sort(out.begin(), out.end(), [](const Operation& a, const Operation& b) { return std::pair(-a.priority, a.seq) < std::pair(-b.priority, b.seq); });
    std::vector<std::string> ids;
    for (const Operation& op : out) ids.push_back(op.id);
    const db::Rows held = tx.query("SELECT op, rtype, rid, mode FROM op_res WHERE {in:op:?} ORDER BY op, rtype, rid", {db::list_of(ids)});
    for (std::size_t i = 0; i < held.size(); ++i)
      for (Operation& op : out)
        if (op.id == held.at(i, 0).text()) op.claims.push_back({held.at(i, 1).text(), held.at(i, 2).text(), static_cast<Mode>(held.at(i, 3).text().at(0))});
  });
  for (const Operation& op : out) claim_wait.with({lane_of(op.queue)}).observe(static_cast<double>((op.claimed_at - op.run_at).count()) / 1e6);
  FAILPOINT("engine.claim.after");
  return out;
}

}  // namespace scoria::engine
