#pragma once
#include <string_view>

#include "base/result.h"
#include "json/value.h"

namespace scoria::json {

/// Parses one JSON text (RFC 8259, UTF-8 checked). Deeper than `max_depth`, trailing bytes, NaN, comments,
/// numbers too large for a double, lone surrogates: refused as invalid_input with the byte offset in the message. Never
/// throws for bad input.
Result<Value> parse(std::string_view text, std::size_t max_depth = 32);

/// Text of a value: members in their order, no spaces, integers exact. parse(to_text(v)) equals v for every value that
/// parse() returns. `spaced` as for Writer.
std::string to_text(const Value& value, bool spaced = false);

}  // namespace scoria::json
