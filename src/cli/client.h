#pragma once
#include <string>

#include "base/clock.h"
#include "cli/access.h"
#include "json/value.h"
#include "net/http_client.h"

namespace scoria::cli {

/// One logged-in user of one deployment.
class Client {
 public:
  /// Gets a token for the project. Refuses with what, why and what to do. `http` and `clock` outlive the client.
  static Result<Client> log_in(Clock& clock, net::HttpClient& http, const Access& access);

  /// `path` under /v3/<project> ("/volumes/detail"), or whole when it begins with /scoria. Refuses by the answer's status, in
  /// its words. A token that has expired meanwhile is renewed once.
  Result<json::Value> get(const std::string& path) { return call("GET", path, {}); }
  Result<json::Value> call(const std::string& method, const std::string& path, const std::string& body);
  /// Every row of a list, page after page: `path` without limit and marker.
  Result<json::Array> list(const std::string& path, const std::string& plural);
  /// A project by name or id, asked of the identity service; what it does not tell is taken as an id.
  Result<std::string> project(const std::string& name_or_id);

  Clock& clock() { return *clock_; }
  const std::string& request_id() const { return request_id_; }  // of the last call
  const std::string& project_id() const { return project_id_; }
  const std::string& user_name() const { return user_name_; }
  const std::string& endpoint() const { return endpoint_; }

 private:
  Result<> authenticate();
  Result<net::HttpResponse> send(const std::string& method, const std::string& url, const std::string& body);

  Clock* clock_ = nullptr;
  net::HttpClient* http_ = nullptr;
  Access access_;
  std::string identity_, token_, endpoint_;  // endpoint: …/v3/<project>
  std::string request_id_, project_id_, user_name_;
};

/// The body of POST /auth/tokens.
std::string login_body(const Access& access);
/// The URL of the block storage in a token's catalogue; empty when it has none there.
std::string volume_endpoint(const json::Value& token, const std::string& region, const std::string& interface);
/// What an answer of 400 and above refuses, in its words.
Refusal refusal_of(const net::HttpResponse& response);

}  // namespace scoria::cli
