#pragma once
#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace scoria::api {

/// 3.`minor` of the Block Storage API. What a request asks for decides which routes, fields and rules it sees.
struct Microversion {
  int minor = 0;
  constexpr auto operator<=>(const Microversion&) const = default;
  std::string text() const;  // "3.27"
};

inline constexpr Microversion oldest{0};
inline constexpr Microversion newest{71};
/// Upper end of a range that has none.
inline constexpr int no_limit = 1000;

inline constexpr std::string_view version_header = "OpenStack-API-Version";

/// The version a request is answered with. `refused` is what a 406 repeats in its reply header, empty otherwise.
struct Negotiation {
  Result<Microversion> version;
  std::string refused;
};

/// Reads the value of OpenStack-API-Version (nullptr: header absent, which means 3.0). Several services may be listed,
/// separated by commas: the first element holding the word "volume" counts. Refuses invalid_input (unreadable, or no
/// volume element) and not_acceptable (outside 3.0 … 3.71).
Negotiation negotiate(const std::string* header);

/// Puts `OpenStack-API-Version: volume <version>` and `Vary` on a reply.
void stamp(http::Headers& headers, std::string_view version);

/// The version document of `/` and of `/v3/`; `base_url` has no trailing slash ("http://host:8776").
std::string version_document(std::string_view base_url);

}  // namespace scoria::api
