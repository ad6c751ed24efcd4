#include "engine/start.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/mutants.h"
#include "engine/upgrade.h"

namespace scoria::engine {
namespace {

constexpr std::string_view columns =
    "INSERT INTO operation (id, kind, ver, queue, backend, project_id, user_id, request_id, resource_type, resource_id, state, prio, "
    "run_at, deadline, step, input, ctx, parent, waits_on, created_at, updated_at";
constexpr std::string_view values =
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, scoria_now(), scoria_now() + ?, ?, ?, ?, ?, ?, scoria_now(), scoria_now()";

/// X and L on the resource that it works on stand there, and are found from here.
bool is_noted(const NewOperation& op, const Claim& claim) { return claim.mode == Mode::shared || claim.type != op.resource_type || claim.id != op.resource_id; }

/// As a claim would have left and read it.
Operation born_running(const NewOperation& op, const Berths::Berth& berth, int version, const std::string& step) {
  Operation out;
  out.id = op.id, out.kind = op.kind, out.version = version, out.queue = op.queue, out.backend = op.backend;
  out.project_id = op.project_id, out.user_id = op.user_id, out.request_id = op.request_id;
  out.resource_type = op.resource_type, out.resource_id = op.resource_id;
  out.state = State::running, out.priority = static_cast<int>(op.priority);
  out.epoch = 1, out.owner = berth.owner, out.backend_generation = op.backend.empty() ? 0 : berth.generation;
  out.step = step, out.input = op.input, out.context = op.context, out.parent = op.parent, out.seen = op.seen;
  std::copy_if(op.claims.begin(), op.claims.end(), std::back_inserter(out.claims), [&](const Claim& claim) { return is_noted(op, claim); });
  return out;
}

}  // namespace

void start(db::Transaction& tx, const Kinds& kinds, const NewOperation& op, Launch* launch) {
  const Kind* kind = kinds.find(op.kind);
  SCORIA_CHECK(kind != nullptr, "an operation of a kind that is not registered");
  const int version = kinds.version_to_start(*kind);
  if (version < kind->oldest_version()) throw db::GuardFailed(std::string(not_yet));
  const std::string step = op.first_step.empty() ? std::string(kind->first_step(version)) : op.first_step;
  const bool runs = launch != nullptr && launch->berth() && op.waits_on.empty();
  const bool limited = op.time_limit && !(runs && MUTANT(born_unlimited));
  db::Values row = {op.id, op.kind, version, op.queue, db::or_null(op.backend), op.project_id, op.user_id, op.request_id, op.resource_type,
                    op.resource_id, runs ? "running" : op.waits_on.empty() ? "ready" : "waiting", static_cast<int>(op.priority),
                    limited ? db::Value{std::int64_t{op.time_limit->count()}} : db::Value{}, step, op.input, op.context, db::or_null(op.parent),
                    db::or_null(op.waits_on)};
  if (!runs) {
    static const std::string sql = fmt::format("{}) VALUES ({})", columns, values);
    tx.run(sql, std::move(row));
  } else if (op.backend.empty()) {
    static const std::string sql = fmt::format("{}, epoch, claimed_at, owner) VALUES ({}, {}, scoria_now(), ?)", columns, values, MUTANT(born_without_epoch) ? 0 : 1);
    row.emplace_back(launch->berth()->owner);
    tx.run(sql, std::move(row));
  } else {
    // As a claim does: a change of site waits for this commit, or is seen by it.
    static const std::string sql = fmt::format("{}, epoch, claimed_at, owner, backend_gen) SELECT {}, {}, scoria_now(), ?, gen FROM backend "
                                               "WHERE name = ? AND gen {} ?{{for_share}}", columns, values, MUTANT(born_without_epoch) ? 0 : 1,
                                               MUTANT(born_stale) ? ">=" : "=");
    row.emplace_back(launch->berth()->owner), row.emplace_back(op.backend), row.emplace_back(launch->berth()->generation);
    tx.guard(stale_generation, sql, std::move(row));
  }
  if (runs) launch->written(born_running(op, *launch->berth(), version, step), op.time_limit);
  for (const Claim& claim : op.claims)
    if (is_noted(op, claim))
      tx.run("INSERT INTO op_res (op, rtype, rid, mode) VALUES (?, ?, ?, ?)", {op.id, claim.type, claim.id, std::string(1, static_cast<char>(claim.mode))});
  if (!op.parent.empty()) tx.guard("parent", "UPDATE operation SET open_children = open_children + 1 WHERE id = ? AND state IN ('ready', 'running', 'waiting')", {op.parent});
}

bool request_cancel(db::Transaction& tx, const Kinds& kinds, const Operation& op) {
  const Kind* kind = kinds.find(op.kind);
  if (kind == nullptr || !kind->cancellable_at(op.step)) return false;
  // The step stands in the condition: either it has not moved past the point of no return, or this changes nothing.
  const std::int64_t changed = tx.change(
      "UPDATE operation SET cancel_req = 1, run_at = scoria_now(), updated_at = scoria_now(), waits_on = NULL, "
      "state = CASE WHEN state = 'waiting' THEN 'ready' ELSE state END "
      "WHERE id = ? AND step = ? AND state IN ('ready', 'running', 'waiting')",
      {op.id, op.step});
  if (changed == 0) return false;
  tx.run("UPDATE operation SET cancel_req = 1, run_at = scoria_now(), updated_at = scoria_now(), waits_on = NULL, "
         "state = CASE WHEN state = 'waiting' THEN 'ready' ELSE state END WHERE parent = ? AND state IN ('ready', 'running', 'waiting')",
         {op.id});
  return true;
}

Result<> request_cancel(db::Database& database, const Kinds& kinds, const std::string& id) {
  for (int tries = 0; tries < 5; ++tries) {
    const auto outcome = database.write([&](db::Transaction& tx) -> std::optional<Result<>> {
      const db::Rows rows = tx.query("SELECT " + std::string(operation_columns) + " FROM operation WHERE id = ?", {id});
      if (rows.empty()) return refuse(RefusalCode::not_found, "Operation {} could not be found.", id);
      const Operation op = read_operation(rows, 0);
      if (is_end(op.state)) return refuse(RefusalCode::conflict, "Operation {} has already ended: {}.", id, to_text(op.state));
      if (op.cancel_requested || request_cancel(tx, kinds, op)) return Result<>{};
      const Kind* kind = kinds.find(op.kind);
      if (kind != nullptr && kind->cancellable_at(op.step)) return std::nullopt;  // it moved meanwhile: look again
      return refuse(RefusalCode::conflict, "Operation {} ({}) is at step '{}' and can no longer be cancelled; it will end by itself.", id, op.kind, op.step);
    });
    if (outcome) return *outcome;
  }
  return refuse(RefusalCode::conflict, "Operation {} moves too fast to be cancelled; try again.", id);
}

Result<> retry_now(db::Database& database, const std::string& id) {
  const std::int64_t changed = database.write([&](db::Transaction& tx) {
    return tx.change("UPDATE operation SET run_at = scoria_now(), attempt = 0, updated_at = scoria_now() WHERE id = ? AND state = 'ready'", {id});
  });
  if (changed == 1) return {};
  return refuse(RefusalCode::conflict, "Operation {} is not waiting for a retry.", id);
}

}  // namespace scoria::engine
