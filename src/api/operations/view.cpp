#include "api/operations/view.h"

namespace scoria::api {
namespace {

void write_time(json::Writer& out, std::string_view name, Timestamp time) { out.key(name).string_or_null(time ? to_rfc3339(time) : std::string{}); }

/// The same members for every long operation, as far as the work can tell.
void write_progress(json::Writer& out, const engine::Operation& op) {
  out.key("progress").begin_object().key("phase").string_or_null(op.phase);
  out.field("bytes_done", op.done_bytes).field("bytes_total", op.total_bytes);
  const bool told = op.total_bytes > 0;
  const bool ended = engine::is_end(op.state);
  out.field("percent_done", op.state == engine::State::succeeded ? std::int64_t{100} : told ? op.done_bytes * 100 / op.total_bytes : std::int64_t{0});
  const std::int64_t spent = (op.updated_at - op.claimed_at).count();
  if (told && !ended && op.done_bytes > 0 && spent > 0)
    out.field("seconds_remaining", static_cast<std::int64_t>(static_cast<double>(spent) / static_cast<double>(op.done_bytes) *
                                                             static_cast<double>(op.total_bytes - op.done_bytes) / 1e6));
  else
    out.key("seconds_remaining").null();
  out.end_object();
}

}  // namespace

void write_operation(json::Writer& out, const engine::Operation& op, bool detail) {
  out.begin_object().field("id", std::string_view{op.id}).field("kind", std::string_view{op.kind}).field("state", engine::to_text(op.state));
  out.field("step", std::string_view{op.step}).field("resource_type", std::string_view{op.resource_type}).field("resource_id", std::string_view{op.resource_id});
  out.field("project_id", std::string_view{op.project_id}).field("request_id", std::string_view{op.request_id});
  out.key("reason").string_or_null(op.reason).key("waits_on").string_or_null(op.waits_on);
  out.key("error_code").string_or_null(op.error_code).key("error").string_or_null(op.error_text);
  out.field("cancel_requested", op.cancel_requested);
  write_time(out, "created_at", op.created_at);
  write_time(out, "finished_at", op.finished_at);
  write_progress(out, op);
  if (detail) {
    out.field("queue", std::string_view{op.queue}).field("epoch", op.epoch).field("attempt", op.attempt).key("node");
    if (op.owner > 0)
      out.integer(op.owner);
    else
      out.null();
    write_time(out, "claimed_at", op.claimed_at);
    write_time(out, "run_at", op.run_at);
    write_time(out, "deadline", op.deadline);
    out.key("parent").string_or_null(op.parent);
    out.key("holds").begin_array();
    for (const engine::Claim& claim : op.claims)
      out.begin_object().field("type", std::string_view{claim.type}).field("id", std::string_view{claim.id})
          .field("mode", std::string_view{std::string(1, static_cast<char>(claim.mode))}).end_object();
    // Each step that is done: its name, the epoch it was done under, and when (microseconds since 1970).
    out.end_array().key("steps").raw("[" + op.history.substr(0, op.history.empty() ? 0 : op.history.size() - 1) + "]");
  }
  out.end_object();
}

std::string operation_line(const engine::Operation& op) {
  json::Writer out;
  write_operation(out, op, false);
  return out.take();
}

}  // namespace scoria::api
