#include "api/operations/handlers.h"

#include <algorithm>
#include <charconv>

#include "api/listing.h"
#include "api/operations/view.h"
#include "base/text.h"
#include "engine/ending.h"
#include "engine/operations.h"
#include "engine/start.h"
#include "json/writer.h"

namespace scoria::api {
namespace {

Result<engine::Operation> load(Services& services, const ApiRequest& request) {
  const std::string& id = request.capture("operation_id");
  auto found = services.database.read([&](db::Transaction& tx) {
    auto operation = engine::find_operation(tx, id);
    if (!operation) return operation;
    if (auto own = engine::own_claim(tx, *operation)) operation->claims.insert(operation->claims.begin(), std::move(*own));
    return operation;
  });
  if (!found || (!request.context.is_admin && found->project_id != request.context.project_id))
    return refuse(RefusalCode::not_found, "Operation {} could not be found.", id);
  return std::move(*found);
}

std::string text_of(const ApiRequest& request, std::string_view name) {
  const std::string* value = request.query(name);
  return value == nullptr ? std::string{} : *value;
}

constexpr std::int64_t page_limit = 1000;

Result<std::vector<engine::State>> read_states(std::string_view text) {
  using enum engine::State;
  std::vector<engine::State> out;
  for (const std::string_view word : split(text, ',')) {
    const std::string_view name = trimmed(word);
    if (name == "unfinished") {
      out.insert(out.end(), {ready, running, waiting});
      continue;
    }
    constexpr engine::State states[] = {ready, running, waiting, succeeded, failed, cancelled, dead};
    const auto* found = std::find_if(std::begin(states), std::end(states), [name](engine::State state) { return engine::to_text(state) == name; });
    if (found == std::end(states)) {
      return refuse(RefusalCode::invalid_input, "'{}' is no state of an operation: ready, running, waiting, succeeded, failed, cancelled, dead, or unfinished.", name);
    }
    out.push_back(*found);
  }
  return out;
}

/// `limit`, `state` (a list with commas), `resource_id`, `request_id`, `kind`, `parent`, `all_projects` (administrators); `before` is read by the caller.
Result<engine::OperationFilter> read_filter(const ApiRequest& request) {
  engine::OperationFilter filter;
  filter.project_id = request.context.project_id;
  for (const auto& [key, value] : request.http->query) {
    if (key == "resource_id") {
      filter.resource_id = value;
    } else if (key == "request_id") {
      filter.request_id = value;
    } else if (key == "kind") {
      filter.kind = value;
    } else if (key == "parent") {
      filter.parent = value;
    } else if (key == "state") {
      auto states = read_states(value);
      if (!states) return refuse(states.error());
      filter.states = std::move(*states);
    } else if (key == "limit") {
      std::int64_t limit = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), limit);
      if (error != std::errc{} || end != value.data() + value.size() || limit < 1)
        return refuse(RefusalCode::invalid_input, "limit must be a number of at least 1, not '{}'.", value);
      filter.limit = static_cast<std::size_t>(std::min(limit, page_limit));
    } else if (key == "all_projects") {
      const std::optional<bool> all = read_flag(value);
      if (!all) return refuse(RefusalCode::invalid_input, "Value '{}' for all_projects is no boolean.", value);
      if (*all && request.context.is_admin) filter.project_id.clear();
    } else if (key != "before") {
      return refuse(RefusalCode::invalid_input, "Operations cannot be listed by '{}': limit, before, state, kind, resource_id, request_id, parent, all_projects.", key);
    }
  }
  return filter;
}

/// Newest first. `before`, an operation's id, turns the page: `next` is the one to say.
Answer list(Services& services, ApiRequest& request) {
  auto filter = read_filter(request);
  if (!filter) return refuse(filter.error());
  const std::string before = text_of(request, "before");
  const auto listed = services.database.read([&](db::Transaction& tx) -> Result<std::vector<engine::Operation>> {
    if (!before.empty()) {
      const auto last = engine::find_operation(tx, before);
      if (!last || (!filter->project_id.empty() && last->project_id != filter->project_id))
        return refuse(RefusalCode::not_found, "Operation {} could not be found.", before);
      filter->before_seq = last->seq;
    }
    return engine::list_operations(tx, *filter);
  });
  if (!listed) return refuse(listed.error());
  json::Writer out;
  out.begin_object().key("operations").begin_array();
  for (const engine::Operation& operation : *listed) write_operation(out, operation, false);
  out.end_array().key("next").string_or_null(listed->size() == filter->limit ? listed->back().id : std::string{});
  return request.reply(out.end_object().take());
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
