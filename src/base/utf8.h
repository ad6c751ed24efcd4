#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace scoria::utf8 {

struct CodePoint {
  std::uint32_t value = 0xfffd;  // U+FFFD for a broken sequence
  std::size_t length = 1;        // bytes of the text it takes
  bool valid = false;
};

/// The first character of a text that is not empty (RFC 3629: no overlong forms, no surrogates). Of a broken sequence it
/// takes the longest prefix that could have begun a right one, as Unicode recommends.
CodePoint first(std::string_view text);

bool is_valid(std::string_view text);

}  // namespace scoria::utf8
