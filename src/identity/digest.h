#pragma once
#include <string>
#include <string_view>

namespace scoria {

/// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view data);
/// Compares in a time that depends on the lengths alone.
bool equal_in_constant_time(std::string_view a, std::string_view b);

std::string base64(std::string_view data);
/// The bytes; empty for anything that is no base64 text.
std::string from_base64(std::string_view text);

}  // namespace scoria
