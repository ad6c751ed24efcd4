#include "cli/client.h"

#include "json/parse.h"
#include "json/writer.h"

namespace scoria::cli {
namespace {

constexpr auto call_limit = std::chrono::seconds{90};  // longer than the service lets an answer wait

void write_domain(json::Writer& out, const std::string& name) { out.key("domain").begin_object().field("name", std::string_view{name}).end_object(); }

void write_user(json::Writer& out, const Access& access) {
  if (!access.user_id.empty()) {
    out.field("id", std::string_view{access.user_id});
    return;
  }
  out.field("name", std::string_view{access.username});
  write_domain(out, access.user_domain);
}

RefusalCode code_of(int status, const std::string& message) {
  switch (status) {
    case 400:  // Cinder's way to say that the state is wrong
      return message.starts_with("Invalid ") && !message.starts_with("Invalid input") ? RefusalCode::invalid_state : RefusalCode::invalid_input;
    case 401: return RefusalCode::unauthorized;
    case 403: return RefusalCode::forbidden;
    case 404: return RefusalCode::not_found;
    case 409:
    case 412: return RefusalCode::conflict;
    case 413: return RefusalCode::over_quota;
    case 501: return RefusalCode::unsupported;
    case 502: return RefusalCode::timed_out;
    case 503: return RefusalCode::unavailable;
    default: return status < 500 ? RefusalCode::invalid_input : RefusalCode::backend_failed;
  }
}

}  // namespace

std::string login_body(const Access& access) {
  json::Writer out;
  out.begin_object().key("auth").begin_object().key("identity").begin_object().key("methods").begin_array();
  const bool by_credential = !access.credential_secret.empty();
  const char* const method = by_credential ? "application_credential" : access.token.empty() ? "password" : "token";
  out.string(method).end_array().key(method).begin_object();
  if (by_credential) {
    if (access.credential_id.empty()) {
      out.field("name", std::string_view{access.credential_name}).key("user").begin_object();
      write_user(out, access);
      out.end_object();
    } else {
      out.field("id", std::string_view{access.credential_id});
    }
    out.field("secret", std::string_view{access.credential_secret});
  } else if (!access.token.empty()) {
    out.field("id", std::string_view{access.token});
  } else {
    out.key("user").begin_object();
    write_user(out, access);
    out.field("password", std::string_view{access.password}).end_object();
  }
  out.end_object().end_object();
  // An application credential has its project in it.
  if (!by_credential && !(access.project_id + access.project_name).empty()) {
    out.key("scope").begin_object().key("project").begin_object();
    if (access.project_id.empty()) {
      out.field("name", std::string_view{access.project_name});
      write_domain(out, access.project_domain);
    } else {
      out.field("id", std::string_view{access.project_id});
    }
    out.end_object().end_object();
  }
  return out.end_object().end_object().take();
}

std::string volume_endpoint(const json::Value& token, const std::string& region, const std::string& interface) {
  const json::Value& catalogue = token["catalog"];
  if (!catalogue.is_array()) return {};
  for (const json::Value& service : catalogue.array()) {
    const std::string type = service.text_or("type");
    if (type != "volumev3" && type != "block-storage" && type != "block-store") continue;
    const json::Value& endpoints = service["endpoints"];
    if (!endpoints.is_array()) continue;
    for (const json::Value& endpoint : endpoints.array())
      if (endpoint.text_or("interface") == interface && (region.empty() || endpoint.text_or("region_id", endpoint.text_or("region")) == region))
        return endpoint.text_or("url");
  }
  return {};
}

Refusal refusal_of(const net::HttpResponse& response) {
  std::string message = fmt::format("the service answered {}", response.status);
  const auto body = json::parse(response.body);
  if (body && body->is_object() && !body->object().empty())
    if (const std::string told = body->object().front().second.text_or("message"); !told.empty()) message = told;
  return {code_of(response.status, message), message, {}};
}

Result<Client> Client::log_in(Clock& clock, net::HttpClient& http, const Access& access) {
  Client client;
  client.clock_ = &clock, client.http_ = &http, client.access_ = access, client.identity_ = access.auth_url;
  while (client.identity_.ends_with('/')) client.identity_.pop_back();
  if (!client.identity_.ends_with("/v3")) client.identity_ += "/v3";
  if (const auto done = client.authenticate(); !done) return refuse(done.error());
  return client;
}

Result<> Client::authenticate() {
  const auto answer = http_->send({"POST", identity_ + "/auth/tokens", {{"Content-Type", "application/json"}}, login_body(access_)},
                                  Deadline::in(*clock_, std::chrono::seconds{30}));
  if (!answer) return refuse(RefusalCode::unavailable, "{} cannot be reached: {}", identity_, answer.error().message);
  if (answer->status != 201) {
    const Refusal why = refusal_of(*answer);
    return refuse(why.code, "Logging in at {} failed: {}", identity_, why.message);
  }
  const auto body = json::parse(answer->body);
  const std::string* token = answer->find("X-Subject-Token");
  if (!body || token == nullptr) return refuse(RefusalCode::backend_failed, "{} answered without a token.", identity_);
  token_ = *token;
  const json::Value& about = (*body)["token"];
  project_id_ = about["project"].text_or("id"), user_name_ = about["user"].text_or("name");
  endpoint_ = volume_endpoint(about, access_.region, access_.interface);
  if (!endpoint_.empty()) return {};
  return refuse(RefusalCode::not_found, "The catalogue of {} has no block storage{}{} with the interface {}.", identity_,
                access_.region.empty() ? "" : " in region ", access_.region, access_.interface);
}

Result<net::HttpResponse> Client::send(const std::string& method, const std::string& url, const std::string& body) {
  net::HttpHeaders headers = {{"X-Auth-Token", token_}, {"OpenStack-API-Version", "volume 3.71"}, {"Accept", "application/json"}};
  if (!body.empty()) headers.emplace_back("Content-Type", "application/json");
  auto answer = http_->send({method, url, headers, body}, Deadline::in(*clock_, call_limit));
  if (!answer) return refuse(RefusalCode::unavailable, "{} does not answer: {}", url.substr(0, url.find('/', 8)), answer.error().message);
  return answer;
}

Result<json::Value> Client::call(const std::string& method, const std::string& path, const std::string& body) {
  const std::string url = path.starts_with("/scoria") ? endpoint_.substr(0, endpoint_.find("/v3")) + path : endpoint_ + path;
  auto answer = send(method, url, body);
  if (answer && answer->status == 401) {
    if (const auto again = authenticate(); !again) return refuse(again.error());
    answer = send(method, url, body);
  }
  if (!answer) return refuse(answer.error());
  const std::string* id = answer->find("X-Openstack-Request-Id");
  request_id_ = id == nullptr ? "" : *id;
  if (answer->status >= 400) return refuse(refusal_of(*answer));
  if (answer->body.empty()) return json::Value{};
  return json::parse(answer->body);
}

Result<json::Array> Client::list(const std::string& path, const std::string& plural) {
  json::Array rows;
  std::string marker;
  for (;;) {
    const auto page = get(marker.empty() ? path : fmt::format("{}{}marker={}", path, path.find('?') == std::string::npos ? '?' : '&', marker));
    if (!page) return refuse(page.error());
    const json::Value& more = (*page)[plural];
    if (!more.is_array()) return refuse(RefusalCode::backend_failed, "The answer to {} has no '{}'.", path, plural);
    rows.insert(rows.end(), more.array().begin(), more.array().end());
    if ((*page).find(plural + "_links") == nullptr || more.array().empty()) return rows;
    marker = more.array().back().text_or("id");
  }
}

Result<std::string> Client::project(const std::string& name_or_id) {
  const auto answer = send("GET", identity_ + "/projects?name=" + name_or_id, {});
  if (!answer) return refuse(answer.error());
  const auto body = json::parse(answer->body);
  if (answer->status != 200 || !body || !(*body)["projects"].is_array() || (*body)["projects"].array().empty()) return name_or_id;
  return (*body)["projects"].array().front().text_or("id");
}

}  // namespace scoria::cli
