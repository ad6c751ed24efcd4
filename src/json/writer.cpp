#include "json/writer.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/utf8.h"
#include "json/value.h"

namespace scoria::json {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

/// True when none of 8 bytes is a control character, a quote, a backslash or outside printable ASCII.
bool clean(const char* bytes) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  const auto has_zero = [](std::uint64_t x) { return (x - ones) & ~x & highs; };
  const std::uint64_t control = (word - ones * 0x20) & ~word & highs;
  return ((word & highs) | control | has_zero(word ^ ones * '"') | has_zero(word ^ ones * '\\') | has_zero(word ^ ones * 0x7f)) == 0;
}

bool is_plain(unsigned char byte) { return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\'; }

/// The shortest digits that read back as `number`, laid out as Python's repr does.
std::string repr(double number) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::fabs(number), std::chars_format::scientific).ptr;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  const std::size_t e = text.find('e');
  int exponent = 0;
  const char* digits_at = text.data() + e + (text[e + 1] == '+' ? 2 : 1);
  std::from_chars(digits_at, text.data() + text.size(), exponent);
  const std::string sign = std::signbit(number) ? "-" : "";
  if (exponent < -4 || exponent >= 16) return sign + std::string(text);

  std::string digits(1, text[0]);
  if (e > 2) digits += text.substr(2, e - 2);
  if (exponent < 0) return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return sign + digits + std::string(whole - digits.size(), '0') + ".0";
  return sign + digits.substr(0, whole) + "." + digits.substr(whole);
}

}  // namespace

void Writer::separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (!first_) out_.append(spaced_ ? ", " : ",");
  first_ = false;
}

void Writer::open(char bracket) {
  separate();
  out_.push_back(bracket);
  first_ = true;
  ++depth_;
}

void Writer::close(char bracket) {
  SCORIA_CHECK(depth_ > 0 && !after_key_, "JSON end without begin, or a key without a value");
  --depth_;
  out_.push_back(bracket);
  first_ = false;
}

Writer& Writer::begin_object() { return open('{'), *this; }
Writer& Writer::end_object() { return close('}'), *this; }
Writer& Writer::begin_array() { return open('['), *this; }
Writer& Writer::end_array() { return close(']'), *this; }

Writer& Writer::key(std::string_view name) {
  SCORIA_CHECK(depth_ > 0 && !after_key_, "a JSON key outside an object");
  separate();
  quote(name);
  out_.append(spaced_ ? ": " : ":");
  after_key_ = true;
  return *this;
}

Writer& Writer::string(std::string_view text) {
  separate();
  quote(text);
  return *this;
}

Writer& Writer::string_or_null(std::string_view text) { return text.empty() ? null() : string(text); }

Writer& Writer::integer(std::int64_t number) {
  std::array<char, 24> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return raw({buffer.data(), static_cast<std::size_t>(end - buffer.data())});
}

Writer& Writer::number(double number) { return std::isfinite(number) ? raw(repr(number)) : null(); }
Writer& Writer::boolean(bool flag) { return raw(flag ? "true" : "false"); }
Writer& Writer::null() { return raw("null"); }

Writer& Writer::raw(std::string_view json) {
  separate();
  out_.append(json);
  return *this;
}

Writer& Writer::value(const Value& value) {
  if (value.is_string()) return string(value.string());
  if (value.is_integer()) return integer(value.integer());
  if (value.is_double()) return number(value.number());
  if (value.is_bool()) return boolean(value.boolean());
  if (value.is_null()) return null();
  if (value.is_array()) {
    begin_array();
    for (const Value& item : value.array()) this->value(item);
    return end_array();
  }
  begin_object();
  for (const auto& [name, member] : value.object()) key(name).value(member);
  return end_object();
}

std::string Writer::take() {
  SCORIA_CHECK(depth_ == 0 && !after_key_, "an unfinished JSON document");
  first_ = true;
  return std::exchange(out_, {});
}

void Writer::quote(std::string_view text) {
  out_.push_back('"');
  std::size_t done = 0;  // text before this is written
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= 8 && clean(text.data() + at)) {
      at += 8;
    } else if (is_plain(static_cast<unsigned char>(text[at]))) {
      ++at;
    } else {
      out_.append(text, done, at - done);
      at += escape(text.substr(at));
      done = at;
    }
  }
  out_.append(text, done, at - done);
  out_.push_back('"');
}

/// Writes the first character of `text`, which is not plain; returns how many bytes it had.
std::size_t Writer::escape(std::string_view text) {
  switch (text[0]) {
    case '"': out_.append("\\\""); return 1;
    case '\\': out_.append("\\\\"); return 1;
    case '\b': out_.append("\\b"); return 1;
    case '\f': out_.append("\\f"); return 1;
    case '\n': out_.append("\\n"); return 1;
    case '\r': out_.append("\\r"); return 1;
    case '\t': out_.append("\\t"); return 1;
    default: break;
  }
  const utf8::CodePoint point = utf8::first(text);
  if (point.value < 0x20 || spaced_) {
    if (point.value >= 0x10000) {
      escape_unit(0xd800 + ((point.value - 0x10000) >> 10));
      escape_unit(0xdc00 + ((point.value - 0x10000) & 0x3ff));
    } else {
      escape_unit(point.value);
    }
  } else {
    out_.append(point.valid ? text.substr(0, point.length) : std::string_view("\xef\xbf\xbd"));
  }
  return point.length;
}

void Writer::escape_unit(unsigned unit) {
  out_.append("\\u");
  for (const unsigned shift : {12U, 8U, 4U, 0U}) out_.push_back(hex_digits[unit >> shift & 0xf]);
}

}  // namespace scoria::json
