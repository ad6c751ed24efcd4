#pragma once
#include <memory>
#include <string>

#include "base/clock.h"
#include "cli/access.h"
#include "json/value.h"
#include "net/http_client.h"

namespace scoria::cli {

/// One logged-in user of one deployment.
class Client {
 public:
  /// Gets a token for the project. Refuses with what, why and what to do.
  static Result<Client> log_in(Clock& clock, net::HttpClient& http, const Access& access);

  /// `path` under /v3 ("/volumes/detail"), or whole when it begins with /scoria. Refuses by the answer's status, in its words.
  Result<json::Value> get(const std::string& path) { return call("GET", path, {}); }
  Result<json::Value> call(const std::string& method, const std::string& path, const std::string& body);
  Clock& clock() { return *clock_; }

 private:
  Clock* clock_ = nullptr;
  net::HttpClient* http_ = nullptr;
  std::string token_, endpoint_;  // endpoint: …/v3/<project>
};

}  // namespace scoria::cli
