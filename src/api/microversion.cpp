#include "api/microversion.h"

#include <charconv>
#include <optional>
#include <vector>

#include "json/writer.h"

namespace scoria::api {
namespace {

constexpr std::string_view service_word = "volume";

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t", at)) != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

/// The element for this service; elements are separated by commas.
std::optional<std::string_view> volume_element(std::string_view header) {
  while (true) {
    const std::size_t comma = header.find(',');
    const std::string_view element = header.substr(0, comma);
    if (element.find(service_word) != std::string_view::npos) return element;
    if (comma == std::string_view::npos) return std::nullopt;
    header.remove_prefix(comma + 1);
  }
}

/// A decimal number without sign or leading zeros; numbers too large for an int are clipped, they are out of range anyway.
std::optional<int> plain_number(std::string_view text, bool may_be_zero) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  if (text[0] == '0' && !(may_be_zero && text.size() == 1)) return std::nullopt;
  int number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{}) return no_limit;
  return number;
}

}  // namespace

std::string Microversion::text() const { return fmt::format("3.{}", minor); }

Negotiation negotiate(const std::string* header) {
  if (header == nullptr) return {oldest, {}};
  const std::optional<std::string_view> element = volume_element(*header);
  if (!element) return {refuse(RefusalCode::invalid_input, "The {} header names no volume service.", version_header), {}};
  const std::vector<std::string_view> parts = words(*element);
  if (parts.size() != 2) {
    return {refuse(RefusalCode::invalid_input, "The {} header must read \"volume X.Y\".", version_header), {}};
  }
  if (parts[1] == "latest") return {newest, {}};
  const std::size_t dot = parts[1].find('.');
  const std::optional<int> major = plain_number(parts[1].substr(0, dot), false);
  const std::optional<int> minor = dot == std::string_view::npos ? std::nullopt : plain_number(parts[1].substr(dot + 1), true);
  if (!major || !minor) {
    return {refuse(RefusalCode::invalid_input, "API version '{}' cannot be read: it must look like 3.27, or be 'latest'.", parts[1]), {}};
  }
  if (*major != 3 || *minor > newest.minor) {
    return {refuse(RefusalCode::not_acceptable, "API version {} is not served here: the minimum is {}, the maximum is {}.", parts[1],
                   oldest.text(), newest.text()),
            std::string(parts[1])};
  }
  return {Microversion{*minor}, {}};
}

void stamp(http::Headers& headers, std::string_view version) {
  headers.set(version_header, fmt::format("volume {}", version));
  headers.set("Vary", std::string(version_header));
}

std::string version_document(std::string_view base_url) {
  json::Writer out;
  out.begin_object().key("versions").begin_array().begin_object();
  out.field("id", "v3.0").field("status", "CURRENT").field("version", newest.text());
  out.field("min_version", oldest.text()).field("updated", "2023-08-31T00:00:00Z");
  out.key("links").begin_array();
  out.begin_object().field("rel", "describedby").field("type", "text/html").field("href", "https://docs.openstack.org/").end_object();
  out.begin_object().field("rel", "self").field("href", fmt::format("{}/v3/", base_url)).end_object();
  out.end_array();
  out.key("media-types").begin_array().begin_object();
  out.field("base", "application/json").field("type", "application/vnd.openstack.volume+json;version=3");
  out.end_object().end_array();
  out.end_object().end_array().end_object();
  return out.take();
}

}  // namespace scoria::api
