#include "api/pipeline.h"

#include "api/body.h"
#include "api/errors.h"
#include "base/check.h"
#include "commands/services.h"
#include "db/database.h"
#include "identity/digest.h"
#include "observe/log.h"

namespace scoria::api {
namespace {

constexpr std::string_view area = "http";

bool under(std::string_view path, std::string_view root) {
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

std::string_view header(const http::Request& request, std::string_view name) {
  const std::string* value = request.headers.find(name);
  return value == nullptr ? std::string_view{} : std::string_view{*value};
}

/// The caller's own request id, if it has the form of one.
std::string global_id(const http::Request& request) {
  const std::string_view id = header(request, "X-Openstack-Request-Id");
  return id.starts_with("req-") && is_uuid(id.substr(4)) ? std::string(id) : std::string{};
}

bool good(const Answer& answer) {
  const auto* response = std::get_if<http::Response>(&answer.value);
  return response == nullptr ? !std::holds_alternative<Refusal>(answer.value) : response->status < 400;
}

/// The handler read a resource that a rename of its backend moved before its command could have it: it is asked again.
constexpr int most_moves = 3;
bool was_moved(const Answer& answer) {
  const auto* refusal = std::get_if<Refusal>(&answer.value);
  return refusal != nullptr && refusal->detail == commands::moved_detail;
}

/// The same key with the same path, version and body is the same request.
Result<> take_key(ApiRequest& request, const std::string& key) {
  const bool readable = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 127; });
  if (key.empty() || key.size() > 255 || !readable)
    return refuse(RefusalCode::invalid_input, "An Idempotency-Key has 1 to 255 printable ASCII characters.");
  request.context.idempotency_key = key;
  request.context.request_hash = sha256_hex(fmt::format("{}\n{}\n{}", request.http->path, request.version.text(), request.http->body));
  return {};
}

/// What Cinder's noauth middleware gives to a caller without a token.
http::Response noauth_token(const http::Request& request, std::string_view base) {
  const auto or_admin = [](std::string_view text) { return text.empty() ? std::string_view("admin") : text; };
  const std::string_view user = or_admin(header(request, "X-Auth-User"));
  const std::string_view project = or_admin(header(request, "X-Auth-Project-Id"));
  http::Response response;
  response.status = 204;
  response.content_type = "text/plain";
  response.headers.set("X-Auth-Token", fmt::format("{}:{}", user, project));
  response.headers.set("X-Server-Management-Url", fmt::format("{}{}/{}", base, request.path, project));
  return response;
}

}  // namespace

void Handlers::mount(std::string_view name, ApiHandler handler) {
  bool known = false;
  for (const Route& route : route_table()) known = known || route.handler == name;
  SCORIA_CHECK(known, "a handler for a name that the route table does not have");
  SCORIA_CHECK(handlers_.emplace(name, std::move(handler)).second, "two handlers for one name");
}

const ApiHandler* Handlers::find(std::string_view name) const {
  const auto found = handlers_.find(name);
  return found == handlers_.end() ? nullptr : &found->second;
}

struct Pipeline::Exchange {
  Exchange(const http::Request& request, std::shared_ptr<http::Responder> to, std::shared_ptr<const Policy> policy)
      : api(request, std::move(policy)), responder(std::move(to)) {}

  ApiRequest api;
  std::shared_ptr<http::Responder> responder;
  Instant begun;
  std::string version_stamp;  // for the reply; empty: the reply carries none
  http::Request kept;         // a parked answer outlives the server's request
};

Pipeline::Pipeline(PipelineParts parts, PipelineOptions options, Handlers handlers)
    : parts_(std::move(parts)), options_(std::move(options)), handlers_(std::move(handlers)), routes_(options_.projects) {
  const auto versions = [](ApiRequest& request) { return request.reply(version_document(request.links.base)); };
  handlers_.mount("versions.list", versions);
  handlers_.mount("versions.show", versions);
  for (const Route& known : route_table()) {
    if (const Schema* schema = find_schema(known)) schemas_.emplace(&known, schema);
  }
}

void Pipeline::operator()(const http::Request& request, std::shared_ptr<http::Responder> responder) {
  const auto exchange = std::make_shared<Exchange>(request, std::move(responder), parts_.policy());
  exchange->begun = parts_.clock.now();
  Context& context = exchange->api.context;
  context.request_id = "req-" + parts_.random.uuid();
  context.global_request_id = global_id(request);
  context.deadline = Deadline::in(parts_.clock, options_.request_limit);
  conclude(exchange, guarded(*exchange, [&] { return serve(*exchange); }));
}

Answer Pipeline::serve(Exchange& exchange) {
  const http::Request& request = *exchange.api.http;
  std::optional<Match> match = routes_.find(request.method, request.path);
  exchange.api.links = Links{base_url(request, options_.public_endpoint), match ? match->project_id : std::string{}, request.path};
  if (!under(request.path, "/v3") && !under(request.path, "/scoria")) return serve_public(exchange, match ? &*match : nullptr);
  if (options_.noauth && request.headers.find("X-Auth-Token") == nullptr) return noauth_token(request, exchange.api.links.base);
  if (Result<> known = identify(exchange, match ? &*match : nullptr); !known) {
    if (known.error().code == RefusalCode::unauthorized) return unauthorized(known.error().message, options_.identity_url);
    return refuse(std::move(known.error()));
  }
  if (!match) return unknown_path();
  return route(exchange, std::move(*match));
}

Answer Pipeline::serve_public(Exchange& exchange, const Match* match) {
  if (match == nullptr) return unknown_path();
  exchange.api.route = match->endpoint->routes.front();
  const ApiHandler* handler = handlers_.find(exchange.api.route->handler);
  return handler == nullptr ? Answer(unknown_path()) : (*handler)(exchange.api);
}

Result<> Pipeline::identify(Exchange& exchange, const Match* match) {
  const http::Request& request = *exchange.api.http;
  const std::string_view project = match == nullptr ? std::string_view{} : std::string_view{match->project_id};
  const Credentials credentials{header(request, "X-Auth-Token"), header(request, "X-Service-Token"), project};
  Context& context = exchange.api.context;
  Result<> known = parts_.authenticator.authenticate(credentials, context);
  if (known) context.is_admin = exchange.api.allows("context_is_admin");
  return known;
}

Answer Pipeline::route(Exchange& exchange, Match match) {
  ApiRequest& api = exchange.api;
  api.captures = std::move(match.captures);
  const bool v3 = under(api.http->path, "/v3");
  if (v3) {
    Negotiation negotiation = negotiate(api.http->headers.find(version_header));
    exchange.version_stamp = negotiation.version ? negotiation.version->text() : negotiation.refused;
    if (!negotiation.version) return refuse(std::move(negotiation.version.error()));
    api.version = *negotiation.version;
  } else {
    api.version = newest;
  }
  Result<json::Value> body = read_body(*api.http);
  if (!body) return refuse(std::move(body.error()));
  api.body = std::move(*body);
  Result<const Route*> found = choose_route(*match.endpoint, api.body);
  if (!found) return refuse(std::move(found.error()));
  api.route = *found;
  if (!match.project_id.empty() && match.project_id != api.context.project_id) {
    return refuse(RefusalCode::invalid_input, "Malformed request url: its project is not the token's.");
  }
  if (!api.since(api.route->since)) {
    return refuse(RefusalCode::not_found, "API version {} has no such method or action.", api.version.text());
  }
  return call(exchange);
}

Answer Pipeline::call(Exchange& exchange) {
  ApiRequest& api = exchange.api;
  if (const auto schema = schemas_.find(api.route); schema != schemas_.end()) {
    if (Result<> checked = check_body(*schema->second, api.version, api.body); !checked) return refuse(std::move(checked.error()));
  }
  if (const std::string* key = api.http->headers.find("Idempotency-Key"); key != nullptr && api.http->method == "POST") {
    if (Result<> taken = take_key(api, *key); !taken) return refuse(std::move(taken.error()));
  }
  if (api.route->check == Check::own_project) {
    if (Result<> allowed = api.enforce(api.route->rule, {}); !allowed) return refuse(std::move(allowed.error()));
  }
  const ApiHandler* handler = handlers_.find(api.route->handler);
  if (handler == nullptr) {
    const std::string_view action = api.route->action;
    return refuse(RefusalCode::unsupported, "{} {}{}{} is not served yet by this version of Scoria.", api.route->method, api.route->path,
                  action.empty() ? "" : " ", action);
  }
  if (parts_.may_change && api.http->method != "GET" && !parts_.may_change())
    return refuse(RefusalCode::unavailable, "This node has lost touch with the database or was stopped for some time; ask again.");
  Answer answer = (*handler)(api);
  for (int moves = 0; moves < most_moves && was_moved(answer); ++moves) answer = (*handler)(api);
  SCORIA_CHECK(!good(answer) || api.route->check == Check::none || api.enforced(), "a handler answered without asking its policy rule");
  return answer;
}

Answer Pipeline::guarded(Exchange& exchange, const std::function<Answer()>& work) {
  const Context& context = exchange.api.context;
  const auto failed = [&](const std::exception& error) -> Answer {
    log::error(area, {.request = context.request_id}, "{} {} failed: {}", exchange.api.http->method, exchange.api.http->path, error.what());
    return fault(500, fmt::format("The service failed to answer this request. Its operator finds the reason under {}.", context.request_id));
  };
  try {
    return work();
  } catch (const db::ConstraintError& error) {
    return failed(error);
  } catch (const db::Error& error) {
    log::warning(area, {.request = context.request_id}, "{} {}: the database cannot serve: {}", exchange.api.http->method,
                 exchange.api.http->path, error.what());
    if (error.disk_full) return refuse(RefusalCode::unavailable, "The disk of the database is full: nothing was changed. Try again when there is room.");
    return refuse(RefusalCode::unavailable, "The database cannot be asked now; try again.");
  } catch (const std::exception& error) {
    return failed(error);
  }
}

void Pipeline::conclude(const std::shared_ptr<Exchange>& exchange, Answer answer) {
  if (auto* parked = std::get_if<Parked>(&answer.value)) return park(exchange, std::move(*parked));
  if (auto* streamed = std::get_if<Streamed>(&answer.value)) return stream(*exchange, *streamed);
  if (auto* refusal = std::get_if<Refusal>(&answer.value)) return send(*exchange, fault(*refusal));
  send(*exchange, std::move(std::get<http::Response>(answer.value)));
}

void Pipeline::stream(Exchange& exchange, const Streamed& streamed) {
  const ApiRequest& api = exchange.api;
  http::Response head{.status = api.route->success, .headers = {}, .body = {}, .content_type = "application/x-ndjson"};
  head.headers.set("x-openstack-request-id", api.context.request_id);
  head.headers.set("Cache-Control", "no-store");
  metrics_.count(api.route, head.status, parts_.clock.now() - exchange.begun);
  if (!streamed.begin(exchange.responder, std::move(head)))
    send(exchange, fault(Refusal{RefusalCode::unavailable, "As many clients watch as may; ask again later, or look from time to time.", {}}));
}

void Pipeline::park(const std::shared_ptr<Exchange>& exchange, Parked parked) {
  SCORIA_CHECK(parts_.parking != nullptr, "an answer was parked, but nobody keeps it");
  if (exchange->api.http != &exchange->kept) {
    exchange->kept = *exchange->api.http;
    exchange->api.http = &exchange->kept;
  }
  const auto shared = std::make_shared<Parked>(std::move(parked));
  parts_.parking->park(shared->operation_id, shared->deadline, [this, exchange, shared](bool ended) {
    if (!ended) {
      return conclude(exchange, refuse(RefusalCode::timed_out, "This takes longer than a request may. Operation {} goes on; see its end at {}/scoria/v1/operations/{}.",
                                       shared->operation_id, exchange->api.links.base, shared->operation_id));
    }
    conclude(exchange, guarded(*exchange, [&] { return shared->resume(exchange->api); }));
  });
}

void Pipeline::send(Exchange& exchange, http::Response response) {
  const ApiRequest& api = exchange.api;
  response.headers.set("x-openstack-request-id", api.context.request_id);
  response.headers.set("x-compute-request-id", api.context.request_id);
  if (!exchange.version_stamp.empty() && response.headers.find(version_header) == nullptr) stamp(response.headers, exchange.version_stamp);
  const Duration time = parts_.clock.now() - exchange.begun;
  log::info(area, {.request = api.context.request_id}, "{} \"{} {}\" {} {} bytes {} us project={} user={}", api.http->peer, api.http->method,
            api.http->target, response.status, response.body.size(), time.count(), api.context.project_id, api.context.user_id);
  metrics_.count(api.route, response.status, time);
  exchange.responder->send(std::move(response));
}

}  // namespace scoria::api
