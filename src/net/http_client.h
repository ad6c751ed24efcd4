#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace scoria::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string url;      // http:// or https:// only
  HttpHeaders headers;  // may carry tokens: never logged, never part of a message
  std::string body;     // sent unless empty
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  // of the final answer, in order
  std::string body;

  /// The first header of that name, in any case; null when there is none.
  const std::string* find(std::string_view name) const;
};

/// Asks other services over HTTP. Thread-safe; blocks until the deadline at most.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  /// Any complete answer is a value, whatever its status; redirects are not followed. Refuses `unavailable` (detail: connect,
  /// tls, timeout, lost) when there is none, in which case the request may have had its effect unless detail is `connect`;
  /// `too_large` when the answer is beyond the limit; `invalid_input` for a URL that is none.
  virtual Result<HttpResponse> send(const HttpRequest& request, Deadline deadline) = 0;
};

struct HttpClientOptions {
  Duration connect_timeout = std::chrono::seconds{5};
  std::size_t max_response_bytes = std::size_t{16} << 20U;
  std::string ca_file;    // PEM; empty: the system's
  bool insecure = false;  // do not verify the peer's certificate
  std::string user_agent = "scoria";
  std::size_t idle_connections = 32;  // kept open for the next request
};

/// Over libcurl. Connections are kept and reused; proxies are taken from no environment variable.
/// From then on the process ignores SIGPIPE.
std::unique_ptr<HttpClient> make_http_client(Clock& clock, HttpClientOptions options);

}  // namespace scoria::net
