#include "net/http_client.h"

#include <curl/curl.h>
#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <mutex>

#include "base/check.h"
#include "base/text.h"

namespace scoria::net {
namespace {

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

/// What libcurl's callbacks fill in.
struct Receiving {
  HttpResponse response;
  std::size_t limit = 0;
  bool too_large = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t count, void* user) {
  auto& receiving = *static_cast<Receiving*>(user);
  if (receiving.response.body.size() + count > receiving.limit) {
    receiving.too_large = true;
    return 0;  // less than count: libcurl gives up
  }
  receiving.response.body.append(data, count);
  return count;
}

std::size_t on_header(char* data, std::size_t, std::size_t count, void* user) {
  auto& receiving = *static_cast<Receiving*>(user);
  const std::string_view line = trimmed({data, count});
  if (line.starts_with("HTTP/")) receiving.response.headers.clear();  // a new answer: "100 Continue" came before
  const std::size_t colon = line.find(':');
  if (colon != std::string_view::npos && !line.starts_with("HTTP/"))
    receiving.response.headers.emplace_back(trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  return count;
}

std::string_view detail_of(CURLcode code) {
  switch (static_cast<int>(code)) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT: return "connect";
    case CURLE_OPERATION_TIMEDOUT: return "timeout";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM: return "tls";
    default: return "lost";
  }
}

/// Scheme, host and port: enough for a message, and never what a query may hold.
std::string_view origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "the server";
  const std::string_view rest = url.substr(scheme + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  return authority.find('@') == std::string_view::npos ? url.substr(0, scheme + 3 + authority.size()) : "the server";
}

class CurlClient final : public HttpClient {
 public:
  CurlClient(Clock& clock, HttpClientOptions options) : clock_(clock), options_(std::move(options)) {
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_ALL);
    SCORIA_CHECK(initialised == CURLE_OK, "libcurl does not start");
  }

  Result<HttpResponse> send(const HttpRequest& request, Deadline deadline) override {
    const auto timeout = std::chrono::duration_cast<std::chrono::milliseconds>(deadline.left(clock_));
    if (timeout.count() <= 0) return unavailable(request, "timeout", "no time is left");
    for (const auto& [name, value] : request.headers)
      if (name.find_first_of("\r\n:") != std::string::npos || value.find_first_of("\r\n") != std::string::npos)
        return refuse(RefusalCode::invalid_input, "a header for {} would break the request", origin_of(request.url));
    Easy easy = take();
    Receiving receiving;
    receiving.limit = options_.max_response_bytes;
    const List headers = set_up(easy.get(), request, receiving, timeout.count());
    const CURLcode code = curl_easy_perform(easy.get());
    if (code == CURLE_OK) {
      long status = 0;
      curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
      receiving.response.status = static_cast<int>(status);
      give_back(std::move(easy));
      return std::move(receiving.response);
    }
    if (receiving.too_large)
      return refuse(RefusalCode::too_large, "the answer of {} is larger than {} bytes", origin_of(request.url), options_.max_response_bytes);
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
      return refuse(RefusalCode::invalid_input, "{} is no http:// or https:// URL", origin_of(request.url));
    return unavailable(request, detail_of(code), curl_easy_strerror(code));
  }

 private:
  static tl::unexpected<Refusal> unavailable(const HttpRequest& request, std::string_view detail, std::string_view why) {
    return refuse(Refusal{RefusalCode::unavailable, fmt::format("{} cannot be asked: {}", origin_of(request.url), why), std::string(detail)});
  }

  /// Handles are used last in, first out, so that few connections stay warm. A handle that failed is not given back.
  Easy take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Easy easy = std::move(idle_.back());
        idle_.pop_back();
        return easy;
      }
    }
    Easy easy(curl_easy_init());
    if (!easy) throw std::bad_alloc();
    return easy;
  }

  void give_back(Easy easy) {
    curl_easy_reset(easy.get());  // keeps its connections
    const std::lock_guard lock(mutex_);
    if (idle_.size() < options_.idle_connections) idle_.push_back(std::move(easy));
  }

  List set_up(CURL* easy, const HttpRequest& request, Receiving& receiving, std::int64_t timeout_ms) const {
    const auto connect_ms = std::chrono::duration_cast<std::chrono::milliseconds>(options_.connect_timeout).count();
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(connect_ms, timeout_ms)));
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_MAXCONNECTS, 4L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options_.user_agent.c_str());
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, options_.insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, options_.insecure ? 0L : 2L);
    if (!options_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &receiving);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &receiving);
    if (request.method == "HEAD") {
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (!request.body.empty() || request.method != "GET") {
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    // No "Expect: 100-continue" (a round trip lost) and no form content type that we did not ask for.
    curl_slist* list = curl_slist_append(curl_slist_append(nullptr, "Expect:"), "Content-Type:");
    for (const auto& [name, value] : request.headers) {
      const std::string line = value.empty() ? name + ";" : name + ": " + value;
      list = curl_slist_append(list, line.c_str());
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    return List(list);
  }

  Clock& clock_;
  const HttpClientOptions options_;
  std::mutex mutex_;
  std::vector<Easy> idle_;  // guarded by mutex_
};

}  // namespace

const std::string* HttpResponse::find(std::string_view name) const {
  const std::string wanted = lower_case(name);
  const auto at = std::find_if(headers.begin(), headers.end(), [&](const auto& header) { return lower_case(header.first) == wanted; });
  return at == headers.end() ? nullptr : &at->second;
}

std::unique_ptr<HttpClient> make_http_client(Clock& clock, HttpClientOptions options) {
  // With NOSIGNAL libcurl leaves SIGPIPE alone, and TLS writes to a peer that left would end the process.
  ::signal(SIGPIPE, SIG_IGN);
  return std::make_unique<CurlClient>(clock, std::move(options));
}

}  // namespace scoria::net
