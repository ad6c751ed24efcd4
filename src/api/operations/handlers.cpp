#include "api/operations/handlers.h"

#include "api/operations/view.h"
#include "engine/ending.h"
#include "engine/operations.h"
#include "engine/start.h"
#include "json/writer.h"

namespace scoria::api {
namespace {

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

/// For an operation that cannot proceed: it ends, whoever runs it.
Answer abandon(Services& services, ApiRequest& request) {
  const auto operation = load(services, request);
  if (!operation) return refuse(operation.error());
  const std::string wanted = request.body.text_or("reason");
  const std::string reason = wanted.empty() ? "Abandoned by an administrator." : "Abandoned by an administrator: " + wanted;
  if (const auto done = engine::abandon(services.database, services.commands.kinds, operation->id, reason); !done) return refuse(done.error());
  services.commands.poke(operation->queue);
  return request.reply();
}

/// How long a watch lasts: `seconds`, 1 to 3600, else ten minutes.
Result<Duration> watch_time(const ApiRequest& request) {
  const std::string text = text_of(request, "seconds");
  if (text.empty()) return Duration{std::chrono::minutes{10}};
  const bool digits = text.size() <= 4 && text.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoi(text) < 1 || std::stoi(text) > 3600) return refuse(RefusalCode::invalid_input, "seconds must be a number from 1 to 3600.");
  return Duration{std::chrono::seconds{std::stoi(text)}};
}

Answer watch(Services& services, ApiRequest& request, const std::string& operation, const std::string& project) {
  if (services.watches == nullptr) return refuse(RefusalCode::unsupported, "Operations cannot be watched here.");
  const auto time = watch_time(request);
  if (!time) return refuse(time.error());
  return Streamed{[watches = services.watches, operation, project, time = *time](std::shared_ptr<http::Responder> to, http::Response head) {
    return watches->add(operation, project, time, std::move(to), std::move(head));
  }};
}

Answer watch_one(Services& services, ApiRequest& request) {
  const auto operation = load(services, request);
  if (!operation) return refuse(operation.error());
  return watch(services, request, operation->id, operation->project_id);
}

Answer watch_all(Services& services, ApiRequest& request) {
  const bool everybody = request.context.is_admin && request.query("all_projects") != nullptr;
  if (request.context.project_id.empty() && !everybody) return refuse(RefusalCode::forbidden, "A watch needs a token of a project.");
  return watch(services, request, {}, everybody ? std::string{} : request.context.project_id);
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
  mount("scoria.operations.abandon", abandon);
  mount("scoria.operations.watch", watch_one);
  mount("scoria.watch", watch_all);
}

}  // namespace scoria::api
