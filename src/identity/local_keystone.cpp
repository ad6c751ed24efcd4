#include "identity/local_keystone.h"

#include "base/text.h"
#include "identity/local_views.h"
#include "json/parse.h"
#include "json/writer.h"

namespace scoria::local {
namespace {

struct Status {
  int code;
  std::string_view title;
};

Status status_of(const Refusal& refusal) {
  switch (refusal.code) {
    case RefusalCode::unauthorized: return {401, "Unauthorized"};
    case RefusalCode::forbidden: return {403, "Forbidden"};
    case RefusalCode::not_found: return {404, "Not Found"};
    case RefusalCode::conflict: return {409, "Conflict"};
    case RefusalCode::too_large: return {413, "Request Entity Too Large"};
    case RefusalCode::unsupported: return {501, "Not Implemented"};
    // Whoever guesses passwords too fast; detail says how many seconds to wait.
    case RefusalCode::unavailable: return refusal.detail.empty() ? Status{503, "Service Unavailable"} : Status{429, "Too Many Requests"};
    case RefusalCode::invalid_input:
    case RefusalCode::invalid_state:
    case RefusalCode::over_quota:
    case RefusalCode::not_acceptable:
    case RefusalCode::precondition_failed:
    case RefusalCode::media_type:
    case RefusalCode::timed_out:
    case RefusalCode::backend_failed: break;
  }
  return {400, "Bad Request"};
}

KeystoneReply error_reply(const Refusal& refusal, std::string_view root) {
  const Status status = status_of(refusal);
  KeystoneReply reply = keystone_error(status.code, status.title, refusal.message);
  if (status.code == 401) reply.headers.emplace_back("WWW-Authenticate", fmt::format("Keystone uri=\"{}\"", root));
  if (status.code == 429) reply.headers.emplace_back("Retry-After", refusal.detail);
  if (status.code == 503) reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

/// The parts of a path, without empty ones at its end.
std::vector<std::string_view> parts_of(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.starts_with('/')) path.remove_prefix(1);
  return path.empty() ? std::vector<std::string_view>{} : split(path, '/');
}

bool matches(const std::vector<std::string_view>& path, const std::vector<std::string_view>& pattern, std::vector<std::string>& ids) {
  if (path.size() != pattern.size()) return false;
  ids.clear();
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (pattern[i] == "{}") {
      ids.emplace_back(path[i]);
    } else if (path[i] != pattern[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

KeystoneReply keystone_error(int status, std::string_view title, std::string_view message) {
  json::Writer out;
  out.begin_object().key("error").begin_object();
  out.field("code", status).field("message", message).field("title", title);
  out.end_object().end_object();
  return {status, {}, out.take()};
}

const std::vector<LocalKeystone::Route>& LocalKeystone::routes() {
  using Self = LocalKeystone;
  static const std::vector<Route> all{
      {"GET", "/", Access::open, &Self::versions},
      {"GET", "/v3", Access::open, &Self::version},
      {"POST", "/v3/auth/tokens", Access::open, &Self::create_token},
      {"GET", "/v3/auth/tokens", Access::token, &Self::show_token},
      {"HEAD", "/v3/auth/tokens", Access::token, &Self::check_token},
      {"DELETE", "/v3/auth/tokens", Access::token, &Self::revoke_token},
      {"GET", "/v3/auth/projects", Access::token, &Self::auth_projects},
      {"GET", "/v3/auth/catalog", Access::token, &Self::auth_catalog},
      {"GET", "/v3/auth/domains", Access::token, &Self::empty_list},
      {"GET", "/v3/auth/system", Access::token, &Self::empty_list},
      {"GET", "/v3/users", Access::admin, &Self::list_users},
      {"POST", "/v3/users", Access::admin, &Self::create_user},
      {"GET", "/v3/users/{}", Access::self_or_admin, &Self::show_user},
      {"PATCH", "/v3/users/{}", Access::admin, &Self::update_user},
      {"DELETE", "/v3/users/{}", Access::admin, &Self::delete_user},
      {"POST", "/v3/users/{}/password", Access::open, &Self::change_password},  // the old password is the proof
      {"GET", "/v3/users/{}/projects", Access::self_or_admin, &Self::user_projects},
      {"GET", "/v3/users/{}/groups", Access::self_or_admin, &Self::empty_list},
      {"GET", "/v3/groups", Access::admin, &Self::empty_list},
      {"GET", "/v3/projects", Access::admin, &Self::list_projects},
      {"POST", "/v3/projects", Access::admin, &Self::create_project},
      {"GET", "/v3/projects/{}", Access::token, &Self::show_project},
      {"PATCH", "/v3/projects/{}", Access::admin, &Self::update_project},
      {"DELETE", "/v3/projects/{}", Access::admin, &Self::delete_project},
      {"GET", "/v3/roles", Access::admin, &Self::list_roles},
      {"POST", "/v3/roles", Access::admin, &Self::create_role},
      {"GET", "/v3/roles/{}", Access::admin, &Self::show_role},
      {"PATCH", "/v3/roles/{}", Access::admin, &Self::update_role},
      {"DELETE", "/v3/roles/{}", Access::admin, &Self::delete_role},
      {"GET", "/v3/role_assignments", Access::admin, &Self::list_assignments},
      {"GET", "/v3/projects/{}/users/{}/roles", Access::admin, &Self::roles_in_project},
      {"PUT", "/v3/projects/{}/users/{}/roles/{}", Access::admin, &Self::grant},
      {"HEAD", "/v3/projects/{}/users/{}/roles/{}", Access::admin, &Self::check_grant},
      {"GET", "/v3/projects/{}/users/{}/roles/{}", Access::admin, &Self::check_grant},
      {"DELETE", "/v3/projects/{}/users/{}/roles/{}", Access::admin, &Self::revoke},
      {"GET", "/v3/domains", Access::token, &Self::list_domains},
      {"GET", "/v3/domains/{}", Access::token, &Self::show_domain},
      {"GET", "/v3/services", Access::admin, &Self::services},
      {"GET", "/v3/endpoints", Access::admin, &Self::endpoints},
      {"GET", "/v3/regions", Access::admin, &Self::regions},
  };
  return all;
}

LocalKeystone::LocalKeystone(db::Database& database, Clock& clock, Random& random, Tokens& tokens, KeystoneOptions options)
    : database_(database), random_(random), tokens_(tokens), options_(std::move(options)), guard_(clock) {}

const std::string* LocalKeystone::Call::query(std::string_view name) const {
  for (const auto& [key, value] : request.query)
    if (key == name) return &value;
  return nullptr;
}

KeystoneReply LocalKeystone::answer(const KeystoneRequest& request) {
  Answer answer = dispatch(request);
  return answer ? std::move(*answer) : error_reply(answer.error(), request.base_url + options_.mount + "/v3");
}

LocalKeystone::Answer LocalKeystone::dispatch(const KeystoneRequest& request) {
  const std::vector<std::string_view> path = parts_of(request.path);
  Call call{request, {}, {}, {}, request.base_url + options_.mount};
  for (const Route& route : routes())
    if (route.method == request.method && matches(path, parts_of(route.pattern), call.ids)) return serve(route, call);
  return refuse(RefusalCode::not_found, "This identity service does not know {} {}.", request.method, request.path);
}

LocalKeystone::Answer LocalKeystone::serve(const Route& route, Call& call) {
  if (route.access != Access::open) {
    Result<TokenRecord> caller = tokens_.find(call.request.token);
    if (!caller) return refuse(caller.error());
    call.caller = std::move(*caller);
    const bool self = route.access == Access::self_or_admin && call.ids.front() == call.caller->user.id;
    if (route.access != Access::token && !self && !call.admin())
      return refuse(RefusalCode::forbidden, "You are not authorized to perform the requested action: it needs the role admin.");
  }
  if (!call.request.body.empty()) {
    Result<json::Value> body = json::parse(call.request.body);
    if (!body) return refuse(body.error());
    call.body = std::move(*body);
  }
  return (this->*route.handler)(call);
}

LocalKeystone::Answer LocalKeystone::versions(Call& call) {
  json::Writer out;
  out.begin_object().key("versions").begin_object().key("values").begin_array();
  view::write_version(out, call.root);
  out.end_array().end_object().end_object();
  return KeystoneReply{300, {{"Location", call.root + "/v3/"}}, out.take()};
}

LocalKeystone::Answer LocalKeystone::version(Call& call) {
  json::Writer out;
  out.begin_object().key("version");
  view::write_version(out, call.root);
  out.end_object();
  return KeystoneReply{200, {}, out.take()};
}

}  // namespace scoria::local
