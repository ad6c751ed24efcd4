#pragma once
#include <string>
#include <string_view>

#include "http/message.h"
#include "json/writer.h"

namespace scoria::api {

/// "scheme://host[:port]" that clients reach us by: `public_endpoint` if it is set, else what the request was sent to,
/// X-Forwarded-Host before Host. No trailing slash.
std::string base_url(const http::Request& request, std::string_view public_endpoint);

/// Makes the links of one request. The project id stands in them only if the request's own path held it.
struct Links {
  std::string base;        // base_url()
  std::string project_id;  // of the path; empty when it held none
  std::string path;        // of the request, as sent, without query

  /// Writes the member "links": self, `<base>/v3/<project>/<collection>/<id>`, and bookmark, the same without version, which
  /// outlives versions.
  void write(json::Writer& out, std::string_view collection, std::string_view id) const;
};

/// Escapes for a query value: everything but unreserved characters becomes %XX.
std::string percent_encode(std::string_view text);

}  // namespace scoria::api
