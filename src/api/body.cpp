#include "api/body.h"

#include <algorithm>
#include <cctype>

#include "json/parse.h"

namespace scoria::api {
namespace {

/// "Application/JSON; charset=UTF-8" -> "application/json"
std::string media_type(std::string_view header) {
  std::string out(header.substr(0, header.find(';')));
  while (out.ends_with(' ')) out.pop_back();
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// A NUL in any text or key: no database column takes it.
bool holds_nul(const json::Value& value) {
  if (value.is_string()) return value.string().find('\0') != std::string::npos;
  if (value.is_array()) return std::any_of(value.array().begin(), value.array().end(), holds_nul);
  if (!value.is_object()) return false;
  return std::any_of(value.object().begin(), value.object().end(), [](const auto& member) {
    return member.first.find('\0') != std::string::npos || holds_nul(member.second);
  });
}

}  // namespace

Result<json::Value> read_body(const http::Request& request) {
  const std::string* type = request.headers.find("Content-Type");
  if (request.body.empty() || type == nullptr || request.method == "GET") return json::Value{};
  const std::string media = media_type(*type);
  if (media != "application/json" && media != "application/vnd.openstack.volume+json") {
    return refuse(RefusalCode::media_type, "Bodies of type '{}' are not read here: send application/json.", media);
  }
  Result<json::Value> parsed = json::parse(request.body);
  if (!parsed) return refuse(RefusalCode::invalid_input, "The body is not JSON that can be read: {}", parsed.error().message);
  if (request.body.find("\\u0000") != std::string::npos && holds_nul(*parsed)) {
    return refuse(RefusalCode::invalid_input, "The body holds a NUL character.");
  }
  return parsed;
}

Result<const Route*> choose_route(const Endpoint& endpoint, const json::Value& body) {
  if (!endpoint.takes_action()) return endpoint.routes.front();
  if (!body.is_object() || body.object().size() != 1) {
    return refuse(RefusalCode::invalid_input, "The body of an action must be an object with one key, the action.");
  }
  const std::string& name = body.object().front().first;
  const Route* route = endpoint.action(name);
  if (route == nullptr) return refuse(RefusalCode::invalid_input, "There is no action '{}' here.", name);
  return route;
}

}  // namespace scoria::api
