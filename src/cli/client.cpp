#include "cli/client.h"

#include "json/parse.h"
#include "json/writer.h"

namespace scoria::cli {
namespace {

std::string login_body(const Access& access) {
  const auto domain = [](json::Writer& out, const std::string& name) { out.key("domain").begin_object().field("name", std::string_view{name}).end_object(); };
  json::Writer out;
  out.begin_object().key("auth").begin_object().key("identity").begin_object().key("methods").begin_array().string("password").end_array();
  out.key("password").begin_object().key("user").begin_object().field("name", std::string_view{access.username});
  domain(out, access.user_domain);
  out.field("password", std::string_view{access.password}).end_object().end_object().end_object();
  out.key("scope").begin_object().key("project").begin_object().field("name", std::string_view{access.project_name});
  domain(out, access.project_domain);
  return out.end_object().end_object().end_object().end_object().take();
}

std::string volume_endpoint(const json::Value& token) {
  const json::Value& catalogue = token["catalog"];
  if (!catalogue.is_array()) return {};
  for (const json::Value& service : catalogue.array()) {
    const std::string type = service.text_or("type");
    if (type != "volumev3" && type != "block-storage" && type != "block-store") continue;
    const json::Value& endpoints = service["endpoints"];
    if (!endpoints.is_array()) continue;
    for (const json::Value& endpoint : endpoints.array())
      if (endpoint.text_or("interface") == "public") return endpoint.text_or("url");
  }
  return {};
}

RefusalCode code_of(int status) {
  switch (status) {
    case 401: return RefusalCode::unauthorized;
    case 403: return RefusalCode::forbidden;
    case 404: return RefusalCode::not_found;
    case 409: case 412: return RefusalCode::conflict;
    case 413: return RefusalCode::over_quota;
    case 501: return RefusalCode::unsupported;
    case 502: return RefusalCode::timed_out;
    case 503: return RefusalCode::unavailable;
    default: return status < 500 ? RefusalCode::invalid_input : RefusalCode::backend_failed;
  }
}

/// The sentence of an error body, whichever key it stands under.
std::string sentence(const net::HttpResponse& response) {
  const auto body = json::parse(response.body);
  if (body && body->is_object() && !body->object().empty())
    if (const std::string message = body->object().front().second.text_or("message"); !message.empty()) return message;
  return fmt::format("the server answered {}", response.status);
}

}  // namespace

Result<Client> Client::log_in(Clock& clock, net::HttpClient& http, const Access& access) {
  std::string url = access.auth_url;
  while (url.ends_with('/')) url.pop_back();
  if (!url.ends_with("/v3")) url += "/v3";
  const auto answer = http.send({"POST", url + "/auth/tokens", {{"Content-Type", "application/json"}}, login_body(access)}, Deadline::in(clock, std::chrono::seconds{30}));
  if (!answer) return refuse(answer.error().code, "{} cannot be reached: {} Is `scoria serve` running?", url, answer.error().message);
  if (answer->status != 201) return refuse(code_of(answer->status), "Logging in as {} failed: {}", access.username, sentence(*answer));
  const auto body = json::parse(answer->body);
  const std::string* token = answer->find("X-Subject-Token");
  if (!body || token == nullptr) return refuse(RefusalCode::backend_failed, "{} answered without a token.", url);
  Client client;
  client.clock_ = &clock, client.http_ = &http, client.token_ = *token;
  client.endpoint_ = volume_endpoint((*body)["token"]);
  if (client.endpoint_.empty()) return refuse(RefusalCode::not_found, "The catalogue of {} has no block storage.", url);
  return client;
}

Result<json::Value> Client::call(const std::string& method, const std::string& path, const std::string& body) {
  std::string url = endpoint_ + path;
  if (path.starts_with("/scoria")) url = endpoint_.substr(0, endpoint_.find("/v3")) + path;
  net::HttpHeaders headers = {{"X-Auth-Token", token_}, {"OpenStack-API-Version", "volume 3.71"}, {"Accept", "application/json"}};
  if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
  const auto answer = http_->send({method, url, headers, body}, Deadline::in(*clock_, std::chrono::seconds{90}));
  if (!answer) return refuse(answer.error().code, "{}", answer.error().message);
  if (answer->status >= 400) return refuse(code_of(answer->status), "{}", sentence(*answer));
  if (answer->body.empty()) return json::Value{};
  return json::parse(answer->body);
}

}  // namespace scoria::cli
