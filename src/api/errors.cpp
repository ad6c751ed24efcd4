#include "api/errors.h"

#include "base/check.h"
#include "json/writer.h"

namespace scoria::api {

int status_of(RefusalCode code) {
  switch (code) {
    case RefusalCode::invalid_input: return 400;
    case RefusalCode::invalid_state: return 400;
    case RefusalCode::not_found: return 404;
    case RefusalCode::conflict: return 409;
    case RefusalCode::over_quota: return 413;
    case RefusalCode::forbidden: return 403;
    case RefusalCode::unauthorized: return 401;
    case RefusalCode::unsupported: return 501;
    case RefusalCode::unavailable: return 503;
    case RefusalCode::too_large: return 413;
    case RefusalCode::not_acceptable: return 406;
    case RefusalCode::precondition_failed: return 412;
    case RefusalCode::media_type: return 415;
    case RefusalCode::timed_out: return 502;
    case RefusalCode::backend_failed: return 500;
  }
  SCORIA_CHECK(false, "a refusal code without a status");
}

std::string_view fault_key(int status) {
  switch (status) {
    case 400: return "badRequest";
    case 401: return "unauthorized";
    case 403: return "forbidden";
    case 404: return "itemNotFound";
    case 405: return "badMethod";
    case 409: return "conflictingRequest";
    case 413: return "overLimit";
    case 415: return "badMediaType";
    case 501: return "notImplemented";
    case 503: return "serviceUnavailable";
    default: return "computeFault";
  }
}

http::Response fault(int status, std::string_view message, std::string_view retry_after) {
  http::Response response;
  response.status = status;
  if (!retry_after.empty()) response.headers.set("Retry-After", std::string(retry_after));
  if (status == 412) {
    response.content_type = "text/html; charset=UTF-8";
    return response;
  }
  json::Writer out;
  out.begin_object().key(fault_key(status)).begin_object();
  out.field("code", status).field("message", message);
  if (status == 413 && !retry_after.empty()) out.field("retryAfter", retry_after);
  out.end_object().end_object();
  response.body = out.take();
  return response;
}

http::Response fault(const Refusal& refusal) {
  std::string_view retry_after;
  if (refusal.code == RefusalCode::over_quota) retry_after = "0";
  if (refusal.code == RefusalCode::unavailable) retry_after = "1";
  return fault(status_of(refusal.code), refusal.message, retry_after);
}

http::Response unauthorized(std::string_view message, std::string_view identity_url) {
  http::Response response;
  response.status = 401;
  response.headers.set("WWW-Authenticate", fmt::format("Keystone uri=\"{}\"", identity_url));
  json::Writer out;
  out.begin_object().key("error").begin_object();
  out.field("code", 401).field("title", "Unauthorized").field("message", message);
  out.end_object().end_object();
  response.body = out.take();
  return response;
}

http::Response unknown_path() {
  http::Response response;
  response.status = 404;
  response.content_type = "text/plain; charset=UTF-8";
  response.body = "404 Not Found\n\nNothing is served under this path and method.\n";
  return response;
}

}  // namespace scoria::api
