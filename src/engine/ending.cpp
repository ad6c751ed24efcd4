#include "engine/ending.h"

#include "base/mutants.h"
#include "engine/claims.h"
#include "engine/operations.h"

namespace scoria::engine {

void finish(db::Transaction& tx, const Kind& kind, const Operation& op, const Ending& ending) {
  kind.settle(tx, op, ending);
  for (const Claim& claim : op.claims)
    if (claim.mode == Mode::shared && !(MUTANT(shared_kept) && ending.state == State::cancelled)) give_shared_back(tx, claim);
  if (!op.claims.empty()) tx.run("DELETE FROM op_res WHERE op = ?", {op.id});
  if (!MUTANT(waiters_forgotten))
    tx.run("UPDATE operation SET state = 'ready', waits_on = NULL, run_at = scoria_now(), updated_at = scoria_now() "
           "WHERE state = 'waiting' AND waits_on = ?",
           {"op:" + op.id});
  if (op.parent.empty() || MUTANT(parent_forgotten)) return;
  tx.contended();
  tx.run("UPDATE operation SET open_children = open_children - 1, updated_at = scoria_now(), run_at = scoria_now(), "
         "state = CASE WHEN state = 'waiting' AND waits_on = 'children' AND open_children = 1 THEN 'ready' ELSE state END, "
         "waits_on = CASE WHEN waits_on = 'children' AND open_children = 1 THEN NULL ELSE waits_on END WHERE id = ?",
         {op.parent});
}

Result<> abandon(db::Database& database, const Kinds& kinds, const std::string& id, const std::string& reason) {
  constexpr int tries = 5;
  std::string moved;
  for (int i = 0; i < tries; ++i) {
    const auto done = database.transact(
        [&](db::Transaction& tx) -> Result<bool> {
          const auto op = find_operation(tx, id);
          if (!op) return refuse(RefusalCode::not_found, "Operation {} could not be found.", id);
          if (is_end(op->state)) return refuse(RefusalCode::conflict, "Operation {} has already ended: {}.", id, to_text(op->state));
          const Kind* kind = kinds.find(op->kind, op->version);
          if (kind == nullptr) return refuse(RefusalCode::unsupported, "This node does not know version {} of operations of kind {}.", op->version, op->kind);
          tx.guard("turn",
                   "UPDATE operation SET state = 'failed', epoch = epoch + 1, owner = NULL, err_code = 'abandoned', err_text = ?, reason = NULL, phase = NULL, "
                   "waits_on = NULL, finished_at = scoria_now(), updated_at = scoria_now() WHERE id = ? AND epoch = ? AND state = ? AND step = ?",
                   {reason, id, op->epoch, to_text(op->state), op->step});
          finish(tx, *kind, *op, {State::failed, "abandoned", reason});
          return true;
        },
        [](std::string_view label) { return Refusal{RefusalCode::conflict, std::string(label), "moved"}; });
    if (done) return {};
    if (done.error().detail != "moved") return refuse(done.error());
    moved = done.error().message;
  }
  return refuse(RefusalCode::conflict, "Operation {} cannot be ended now: what it works on changes ({}); try again.", id, moved);
}

}  // namespace scoria::engine
