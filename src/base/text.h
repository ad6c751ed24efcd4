#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Small questions about text (ASCII; other bytes pass unchanged).
namespace scoria {

std::string lower_case(std::string_view text);
/// Without blanks, tabs and line ends at both ends.
std::string_view trimmed(std::string_view text);
/// The parts between separators, empty ones included: "a,,b" has three.
std::vector<std::string_view> split(std::string_view text, char separator);
/// The parts with a separator between each two.
std::string join(std::span<const std::string> parts, std::string_view separator);
/// Lower-case hexadecimal digits of the bytes.
std::string to_hex(std::string_view bytes);

/// For "did you mean": the candidate that differs from `text` by the fewest edits, if by at most a third of its length;
/// else empty. Of equally near ones the first.
std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates);

}  // namespace scoria
