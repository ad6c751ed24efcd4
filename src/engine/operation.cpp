#include "engine/operation.h"

#include "base/check.h"

namespace scoria::engine {
namespace {
constexpr std::string_view names[] = {"ready", "running", "waiting", "succeeded", "failed", "cancelled", "dead"};
}

std::string_view to_text(State state) { return names[static_cast<std::size_t>(state)]; }

State state_from(std::string_view text) {
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (names[i] == text) return static_cast<State>(i);
  SCORIA_CHECK(false, "an operation's state is none we know");
}

const std::string_view operation_columns =
    "operation.seq, operation.id, kind, ver, queue, operation.backend, project_id, user_id, request_id, resource_type, resource_id, state, prio, "
    "run_at, deadline, epoch, owner, attempt, deaths, step, cancel_req, backend_gen, input, ctx, reason, err_code, err_text, parent, "
    "open_children, waits_on, phase, done_bytes, total_bytes, history, created_at, claimed_at, updated_at, finished_at";

Operation read_operation(const db::Rows& rows, std::size_t row) {
  std::size_t column = 0;
  const auto text = [&] { return rows.at(row, column++).text(); };
  const auto number = [&] { return rows.at(row, column++).integer(); };
  const auto time = [&] { return rows.at(row, column++).time(); };
  Operation op;
  op.seq = number(), op.id = text(), op.kind = text(), op.version = static_cast<int>(number()), op.queue = text(), op.backend = text();
  op.project_id = text(), op.user_id = text(), op.request_id = text(), op.resource_type = text(), op.resource_id = text();
  op.state = state_from(text()), op.priority = static_cast<int>(number()), op.run_at = time(), op.deadline = time();
  op.epoch = number(), op.owner = number(), op.attempt = static_cast<int>(number()), op.deaths = static_cast<int>(number());
  op.step = text(), op.cancel_requested = number() != 0, op.backend_generation = number();
  op.input = text(), op.context = text(), op.reason = text(), op.error_code = text(), op.error_text = text();
  op.parent = text(), op.open_children = number(), op.waits_on = text(), op.phase = text();
  op.done_bytes = number(), op.total_bytes = number(), op.history = text();
  op.created_at = time(), op.claimed_at = time(), op.updated_at = time(), op.finished_at = time();
  return op;
}

}  // namespace scoria::engine
