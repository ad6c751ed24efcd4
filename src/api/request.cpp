#include "api/request.h"

#include "base/check.h"

namespace scoria::api {

const std::string& ApiRequest::capture(std::string_view name) const {
  for (const auto& [known, value] : captures) {
    if (known == name) return value;
  }
  SCORIA_CHECK(false, "a handler asked for a capture that its route does not have");
}

const std::string* ApiRequest::query(std::string_view name) const {
  const std::string* found = nullptr;
  for (const auto& [key, value] : http->query) {
    if (key == name) found = &value;
  }
  return found;
}

const json::Value& ApiRequest::payload() const { return *route->action == '\0' ? body : body[route->action]; }

Result<> ApiRequest::enforce(std::string_view rule, const PolicyTarget& target) {
  Result<> allowed = policy_->enforce(rule, context, target);
  if (allowed && rule == route->rule) enforced_ = true;
  return allowed;
}

http::Response ApiRequest::reply(std::string json) const {
  http::Response response;
  response.status = route->success;
  response.body = std::move(json);
  return response;
}

}  // namespace scoria::api
