#include "identity/keystone_json.h"

#include "base/text.h"
#include "json/parse.h"
#include "json/writer.h"

namespace scoria::keystone {
namespace {

std::vector<Endpoint> read_catalogue(const json::Value& catalogue) {
  std::vector<Endpoint> out;
  if (!catalogue.is_array()) return out;
  for (const json::Value& service : catalogue.array()) {
    const json::Value& endpoints = service["endpoints"];
    if (!endpoints.is_array()) continue;
    for (const json::Value& one : endpoints.array())
      out.push_back({service.text_or("type"), one.text_or("interface"), one.text_or("region_id", one.text_or("region")), one.text_or("url")});
  }
  return out;
}

/// Domains are named by id where one is given, else by name.
void write_domain(json::Writer& out, const std::string& id, const std::string& name) {
  out.key("domain").begin_object();
  id.empty() ? out.field("name", name) : out.field("id", id);
  out.end_object();
}

}  // namespace

Result<TokenReply> read_token(std::string_view body) {
  const Result<json::Value> whole = json::parse(body);
  const json::Value token = whole ? (*whole)["token"] : json::Value{};
  TokenReply out;
  out.token.user_id = token["user"].text_or("id");
  if (out.token.user_id.empty() || !parse_time(token.text_or("expires_at"), out.token.expires_at))
    return refuse(RefusalCode::unavailable, "the identity service answers what is no token");
  out.token.user_name = token["user"].text_or("name");
  out.token.user_domain_id = token["user"]["domain"].text_or("id");
  out.token.project_id = token["project"].text_or("id");
  out.token.project_name = token["project"].text_or("name");
  out.token.project_domain_id = token["project"]["domain"].text_or("id");
  out.token.domain_id = token["domain"].text_or("id");
  out.token.system_scope = token["system"].flag_or("all");
  out.token.is_admin_project = token.flag_or("is_admin_project", true);
  if (token["roles"].is_array())
    for (const json::Value& role : token["roles"].array()) out.token.roles.push_back(lower_case(role.text_or("name")));
  out.catalogue = read_catalogue(token["catalog"]);
  return out;
}

std::string login_body(const config::KeystoneOptions& options) {
  json::Writer out;
  out.begin_object().key("auth").begin_object();
  out.key("identity").begin_object();
  out.key("methods").begin_array().string("password").end_array();
  out.key("password").begin_object().key("user").begin_object();
  out.field("name", options.username);
  write_domain(out, options.user_domain_id, options.user_domain_name);
  out.field("password", options.password.reveal());
  out.end_object().end_object().end_object();
  out.key("scope").begin_object().key("project").begin_object();
  out.field("name", options.project_name);
  write_domain(out, options.project_domain_id, options.project_domain_name);
  out.end_object().end_object();
  return out.end_object().end_object().take();
}

std::string v3_root(std::string_view auth_url) {
  while (auth_url.ends_with('/')) auth_url.remove_suffix(1);
  return auth_url.ends_with("/v3") ? std::string(auth_url) : std::string(auth_url) + "/v3";
}

}  // namespace scoria::keystone
