#include "api/operations/handlers.h"

#include "engine/operations.h"
#include "engine/start.h"
#include "json/writer.h"

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

Result<engine::Operation> load(Services& services, const ApiRequest& request) {
  const std::string& id = request.capture("operation_id");
  auto found = services.database.read([&](db::Transaction& tx) { return engine::find_operation(tx, id); });
  if (!found || (!request.context.is_admin && found->project_id != request.context.project_id))
    return refuse(RefusalCode::not_found, "Operation {} could not be found.", id);
  return std::move(*found);
}

std::string text_of(const ApiRequest& request, std::string_view name) {
  const std::string* value = request.query(name);
  return value == nullptr ? std::string{} : *value;
}

/// Newest first; `resource_id`, `request_id` and `kind` restrict, `before` (an operation's id) turns the page.
Answer list(Services& services, ApiRequest& request) {
  engine::OperationFilter filter;
  filter.resource_id = text_of(request, "resource_id"), filter.request_id = text_of(request, "request_id"), filter.kind = text_of(request, "kind");
  if (!request.context.is_admin || request.query("all_projects") == nullptr) filter.project_id = request.context.project_id;
  const std::string before = text_of(request, "before");
  const auto listed = services.database.read([&](db::Transaction& tx) -> Result<std::vector<engine::Operation>> {
    if (!before.empty()) {
      const auto last = engine::find_operation(tx, before);
      if (!last) return refuse(RefusalCode::not_found, "Operation {} could not be found.", before);
      filter.before_seq = last->seq;
    }
    return engine::list_operations(tx, filter);
  });
  if (!listed) return refuse(listed.error());
  json::Writer out;
  out.begin_object().key("operations").begin_array();
  for (const engine::Operation& operation : *listed) write_operation(out, operation, false);
  return request.reply(out.end_array().end_object().take());
}

Answer show(Services& services, ApiRequest& request) {
  const auto operation = load(services, request);
  if (!operation) return refuse(operation.error());
  json::Writer out;
  out.begin_object().key("operation");
  write_operation(out, *operation, true);
  return request.reply(out.end_object().take());
}

Answer cancel(Services& services, ApiRequest& request) {
  const auto operation = load(services, request);
  if (!operation) return refuse(operation.error());
  if (const auto done = engine::request_cancel(services.database, services.commands.kinds, operation->id); !done) return refuse(done.error());
  services.commands.poke(operation->queue);
  return request.reply();
}

Answer retry(Services& services, ApiRequest& request) {
  const auto operation = load(services, request);
  if (!operation) return refuse(operation.error());
  if (const auto done = engine::retry_now(services.database, operation->id); !done) return refuse(done.error());
  services.commands.poke(operation->queue);
  return request.reply();
}

}  // namespace

void mount_operations(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("scoria.operations.list", list);
  mount("scoria.operations.show", show);
  mount("scoria.operations.cancel", cancel);
  mount("scoria.operations.retry", retry);
}

}  // namespace scoria::api
