#include "api/links.h"

#include <fmt/core.h>

namespace scoria::api {
namespace {

/// Host names, addresses and ports; anything else in a Host header is not repeated into a link.
bool plausible_host(std::string_view host) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
  return !host.empty() && host.find_first_not_of(allowed) == std::string_view::npos;
}

std::string_view first_of_list(std::string_view value) {
  value = value.substr(0, value.find(','));
  while (value.ends_with(' ')) value.remove_suffix(1);
  return value;
}

}  // namespace

std::string base_url(const http::Request& request, std::string_view public_endpoint) {
  if (!public_endpoint.empty()) {
    while (public_endpoint.ends_with('/')) public_endpoint.remove_suffix(1);
    return std::string(public_endpoint);
  }
  std::string_view host = "localhost";
  for (const std::string_view name : {"Host", "X-Forwarded-Host"}) {
    const std::string* value = request.headers.find(name);
    if (value != nullptr && plausible_host(first_of_list(*value))) host = first_of_list(*value);
  }
  return fmt::format("{}://{}", request.tls ? "https" : "http", host);
}

void Links::write(json::Writer& out, std::string_view collection, std::string_view id) const {
  const std::string_view slash = project_id.empty() ? "" : "/";
  out.plain_key("links").begin_array();
  out.begin_object().field("rel", "self").plain_key("href").string({base, "/v3", slash, project_id, "/", collection, "/", id}).end_object();
  out.begin_object().field("rel", "bookmark").plain_key("href").string({base, slash, project_id, "/", collection, "/", id}).end_object();
  out.end_array();
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (plain.find(c) != std::string_view::npos) out += c;
    else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace scoria::api
