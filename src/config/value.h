#pragma once
#include <tl/expected.hpp>

#include "config/fields.h"

namespace scoria::config {

using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// Reads an option's value: one text, or for Kind::multi any number. The error says what is wanted, as "a whole number
/// from 1 to 65535".
tl::expected<Value, std::string> parse(const Option& option, const std::vector<std::string>& texts);
/// Puts a value of the option's kind into its member.
void store(const Value& value, const Slot& slot);
/// A member's value, as it would stand in a file.
std::string to_text(const Slot& slot, Kind kind);
/// What values an option takes: "a whole number from 1 to 65535".
std::string describe(const Option& option);
/// The bounds alone: "from 1 to 65535", "one of a, b"; empty if there are none.
std::string bounds(const Option& option);
std::string_view name(Kind kind);

}  // namespace scoria::config
