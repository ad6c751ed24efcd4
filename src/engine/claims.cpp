#include "engine/claims.h"

#include "base/mutants.h"

#include <fmt/core.h>

namespace scoria::engine {

void take_shared(db::Transaction& tx, std::string_view label, const std::string& table, const std::string& id, std::string_view statuses) {
  tx.contended();
  tx.guard(label, fmt::format("UPDATE {} SET s_ops = s_ops + 1, rev = rev + 1 "
                              "WHERE id = ? AND (x_op IS NULL OR (x_mode = 'L' AND next_op IS NULL)) AND status IN ({})", table, statuses),
           {id});
}

std::string readers_of(std::string_view type, std::string_view id) { return fmt::format("readers:{}:{}", type, id); }

void give_shared_back(db::Transaction& tx, const Claim& claim) {
  tx.contended();
  tx.guard("claim.shared", fmt::format("UPDATE {} SET s_ops = s_ops - 1, rev = rev + 1 WHERE id = ?", claim.type), {claim.id});
  if (MUTANT(readers_unwoken)) return;
  tx.run("UPDATE operation SET state = 'ready', waits_on = NULL, run_at = scoria_now(), updated_at = scoria_now() "
         "WHERE state = 'waiting' AND waits_on = ?",
         {readers_of(claim.type, claim.id)});
}

void require_readers(db::Transaction& tx, const std::string& table, const std::string& id, const std::string& operation) {
  tx.guard("claim.readers", fmt::format("UPDATE {} SET rev = rev + 1 WHERE id = ? AND x_op = ? AND s_ops > 0", table), {id, operation});
}

void require_children(db::Transaction& tx, const std::string& operation) {
  tx.guard("claim.children", "UPDATE operation SET updated_at = scoria_now() WHERE id = ? AND open_children > 0", {operation});
}

void require_live(db::Transaction& tx, const std::string& operation) {
  tx.guard("claim.live", "UPDATE operation SET updated_at = updated_at WHERE id = ? AND state IN ('ready', 'running', 'waiting')", {operation});
}

}  // namespace scoria::engine
