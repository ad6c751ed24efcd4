#include "base/text.h"
#include "identity/local_keystone.h"
#include "identity/local_views.h"
#include "json/writer.h"

// POST, GET, HEAD and DELETE /v3/auth/tokens, and what a token's holder may see of itself.
namespace scoria::local {
namespace {

/// What the catalogue of a project offers, from the caller's own point of view.
std::vector<view::Service> services_for(const std::string& base_url, const KeystoneOptions& options, std::string_view project_id) {
  const std::string volumes = base_url + options.block_storage + std::string(project_id);
  return {{"volumev3", "cinderv3", "volumev3", volumes},
          {"block-storage", "cinder", "block-storage", volumes},
          {"identity", "keystone", "identity", base_url + options.mount},
          // Clients that create volumes look this up whether they need it or not; asked, it answers that there are no images.
          {"image", "glance", "image", base_url + "/image"}};
}

/// {"id": …} or {"name": …} of a domain: there is one.
bool is_our_domain(const json::Value& domain) {
  const std::string id = domain.text_or("id"), name = domain.text_or("name");
  return id.empty() ? name.empty() || name == domain_name : id == domain_id;
}

}  // namespace

LocalKeystone::Answer LocalKeystone::create_token(Call& call) {
  const json::Value& auth = call.body["auth"];
  if (!auth.is_object()) return refuse(RefusalCode::invalid_input, "The body has no 'auth'.");
  Result<Login> login = log_in(call);
  if (!login) return refuse(login.error());
  const Result<std::string> project = scope_of(auth, login->user_id);
  if (!project) return refuse(project.error());
  const Result<Tokens::Issued> issued = tokens_.issue(login->user_id, *project, login->until);
  if (!issued) return refuse(issued.error());
  json::Writer out;
  view::write_token(out, issued->record, login->method, services_for(call.request.base_url, options_, *project), options_.region);
  return KeystoneReply{201, {{"X-Subject-Token", issued->text}, {"Vary", "X-Auth-Token"}}, out.take()};
}

Result<LocalKeystone::Login> LocalKeystone::log_in(Call& call) {
  const json::Value& identity = call.body["auth"]["identity"];
  if (!identity["methods"].is_array() || identity["methods"].array().size() != 1 || !identity["methods"].array().front().is_string())
    return refuse(RefusalCode::invalid_input, "'auth.identity.methods' names one method: password or token.");
  const std::string& method = identity["methods"].array().front().string();
  if (method == "password") return log_in_by_password(call, identity["password"]["user"]);
  if (method != "token") return refuse(RefusalCode::unauthorized, "Only the methods password and token are known here, not '{}'.", method);
  Result<TokenRecord> record = tokens_.find(identity["token"].text_or("id"));
  if (!record) return refuse(record.error());
  return Login{record->user.id, record->expires_at, "token"};
}

Result<LocalKeystone::Login> LocalKeystone::log_in_by_password(Call& call, const json::Value& user) {
  const std::string id = user.text_or("id"), name = user.text_or("name");
  if ((id.empty() && name.empty()) || !user["password"].is_string())
    return refuse(RefusalCode::invalid_input, "'auth.identity.password.user' has an id or a name, and a password.");
  const std::string key = id.empty() ? "name " + name : "id " + id;
  if (const Duration wait = guard_.wait_for(key, call.request.peer); wait > Duration::zero()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    return refuse(Refusal{RefusalCode::unavailable, fmt::format("Too many wrong passwords. Try again in {} s.", seconds), std::to_string(seconds)});
  }
  const LoginGuard::Place place(guard_);
  if (!place) return refuse(RefusalCode::unavailable, "Too many logins at once. Try again.");
  const std::optional<User> found = database_.read([&](db::Transaction& tx) { return id.empty() ? find_user_by_name(tx, name) : find_user(tx, id); });
  // As slow for users who do not exist: the time must not tell who does.
  const bool known = found && !found->password.empty();
  const bool right = verify_password(user["password"].string(), known ? found->password : closed_hash(options_.password_cost));
  if (!right || !known || !found->enabled || (id.empty() && !is_our_domain(user["domain"]))) {
    guard_.failed(key, call.request.peer);
    return unauthorized();
  }
  guard_.succeeded(key, call.request.peer);
  return Login{found->id, std::nullopt, "password"};
}

/// The project that a token is asked for; empty: none. Without a scope it is the user's own project, if there is one.
Result<std::string> LocalKeystone::scope_of(const json::Value& auth, std::string_view user_id) {
  const json::Value& scope = auth["scope"];
  if (scope.is_string() && scope.string() == "unscoped") return std::string{};
  return database_.read([&](db::Transaction& tx) -> Result<std::string> {
    if (scope.is_null()) {
      const std::optional<User> user = find_user(tx, user_id);
      const std::string own = user ? user->default_project_id : std::string{};
      for (const Project& project : projects_of(tx, user_id))
        if (project.id == own) return own;
      return std::string{};
    }
    const json::Value& project = scope["project"];
    if (!project.is_object()) return refuse(RefusalCode::unauthorized, "Tokens are for projects here; domain and system scope are not known.");
    if (const std::string id = project.text_or("id"); !id.empty()) return id;
    const std::string name = project.text_or("name");
    const std::vector<Project> found = is_our_domain(project["domain"]) ? local::list_projects(tx, {name, std::nullopt}) : std::vector<Project>{};
    if (name.empty() || found.empty()) return unauthorized();
    return found.front().id;
  });
}

/// The token asked about: one's own, or anybody's for admins and services.
Result<TokenRecord> LocalKeystone::subject_of(Call& call) {
  if (call.request.subject_token == call.request.token) return *call.caller;
  if (!call.admin() && !call.caller->has_role("service"))
    return refuse(RefusalCode::forbidden, "You are not authorized to perform the requested action: only admins and services see tokens of others.");
  const std::string* expired_too = call.query("allow_expired");
  Result<TokenRecord> subject = tokens_.find(call.request.subject_token, expired_too != nullptr && *expired_too != "0");
  if (!subject) return refuse(RefusalCode::not_found, "Could not find the token.");
  return subject;
}

LocalKeystone::Answer LocalKeystone::show_token(Call& call) {
  const Result<TokenRecord> subject = subject_of(call);
  if (!subject) return refuse(subject.error());
  std::vector<view::Service> services;
  if (subject->project && call.query("nocatalog") == nullptr) services = services_for(call.request.base_url, options_, subject->project->id);
  json::Writer out;
  view::write_token(out, *subject, "password", services, options_.region);
  return KeystoneReply{200, {{"X-Subject-Token", call.request.subject_token}, {"Vary", "X-Auth-Token"}}, out.take()};
}

LocalKeystone::Answer LocalKeystone::check_token(Call& call) {
  Answer shown = show_token(call);
  if (shown) shown->body.clear();
  return shown;
}

LocalKeystone::Answer LocalKeystone::revoke_token(Call& call) {
  const Result<TokenRecord> subject = subject_of(call);
  if (!subject) return refuse(subject.error());
  tokens_.revoke(call.request.subject_token);
  return KeystoneReply{204, {}, {}};
}

LocalKeystone::Answer LocalKeystone::auth_projects(Call& call) {
  const auto projects = database_.read([&](db::Transaction& tx) { return projects_of(tx, call.caller->user.id); });
  return KeystoneReply{200, {}, view::list("projects", projects, call.root + "/v3/auth/projects", [&](json::Writer& out, const Project& project) {
                         view::write(out, project, call.root);
                       })};
}

LocalKeystone::Answer LocalKeystone::auth_catalog(Call& call) {
  json::Writer out;
  out.begin_object().key("catalog");
  const std::string project = call.caller->project ? call.caller->project->id : std::string{};
  view::write_catalog(out, project.empty() ? std::vector<view::Service>{} : services_for(call.request.base_url, options_, project), options_.region);
  out.key("links").begin_object().field("self", call.root + "/v3/auth/catalog").end_object().end_object();
  return KeystoneReply{200, {}, out.take()};
}

/// What Keystone has and this service never holds: groups, other domains, system roles.
LocalKeystone::Answer LocalKeystone::empty_list(Call& call) {
  const std::string_view path(call.request.path);
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return KeystoneReply{200, {}, view::list(name, std::vector<int>{}, call.root + std::string(path), [](json::Writer&, int) {})};
}

LocalKeystone::Answer LocalKeystone::services(Call& call) {
  const auto all = services_for(call.request.base_url, options_, "%(project_id)s");
  return KeystoneReply{200, {}, view::list("services", all, call.root + "/v3/services", [](json::Writer& out, const view::Service& service) {
                         out.begin_object().field("id", service.id).field("type", service.type).field("name", service.name);
                         out.field("enabled", true).end_object();
                       })};
}

LocalKeystone::Answer LocalKeystone::endpoints(Call& call) {
  struct Endpoint {
    view::Service service;
    std::string interface;
  };
  std::vector<Endpoint> all;
  for (const view::Service& service : services_for(call.request.base_url, options_, "%(project_id)s"))
    for (const char* interface : {"public", "internal", "admin"}) all.push_back({service, interface});
  return KeystoneReply{200, {}, view::list("endpoints", all, call.root + "/v3/endpoints", [&](json::Writer& out, const Endpoint& one) {
                         out.begin_object().field("id", one.service.id + "-" + one.interface).field("service_id", one.service.id);
                         out.field("interface", one.interface).field("url", one.service.url).field("enabled", true);
                         out.field("region", options_.region).field("region_id", options_.region).end_object();
                       })};
}

LocalKeystone::Answer LocalKeystone::regions(Call& call) {
  return KeystoneReply{200, {}, view::list("regions", std::vector<std::string>{options_.region}, call.root + "/v3/regions", [](json::Writer& out, const std::string& id) {
                         out.begin_object().field("id", id).field("description", "").key("parent_region_id").null().end_object();
                       })};
}

}  // namespace scoria::local
