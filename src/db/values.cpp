#include "db/values.h"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

namespace scoria::db {
namespace {

bool continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80u; }

/// The length of the well-formed UTF-8 character at the start of `text`, 0 if there is none. U+0000 counts as none.
std::size_t character_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead == 0) return 0;
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  for (std::size_t at = 1; at < length; ++at)
    if (!continuation(text[at])) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool surrogate = lead == 0xED && second >= 0xA0;
  const bool beyond = lead == 0xF4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

bool storable(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += byte;
    } else if (static_cast<unsigned char>(byte) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(byte));
    } else {
      out += byte;
    }
  }
  out += '"';
}

}  // namespace

std::int64_t Value::integer() const {
  if (null()) return 0;
  if (const auto* number = std::get_if<std::int64_t>(&data_)) return *number;
  return Cell::number_in(std::get<std::string>(data_));
}

const std::string& Value::text() const {
  static const std::string empty;
  if (null()) return empty;
  if (const auto* text = std::get_if<std::string>(&data_)) return *text;
  Cell::refuse_number();
}

std::int64_t Cell::number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) throw Error(fmt::format("not an integer: '{}'", text.substr(0, 40)));
  return number;
}

void Cell::refuse_number() { throw Error("an integer where text was expected"); }

void require_storable(const Values& values) {
  for (const Value& value : values)
    if (value.is_text() && !storable(value.text()))
      throw ConstraintError("text with a NUL byte or broken UTF-8 cannot be stored", false, "text");
}

Value list_of(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    if (out.size() > 1) out += ',';
    append_json(out, text);
  }
  return Value{out + "]"};
}

Value list_of(const std::vector<std::int64_t>& numbers) { return Value{fmt::format("[{}]", fmt::join(numbers, ","))}; }

}  // namespace scoria::db
