#include "json/writer.h"

#include <algorithm>
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
bool clean(std::uint64_t word) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t x) { return (x - ones) & ~x & highs; };
  const std::uint64_t control = (word - ones * 0x20) & ~word & highs;
  return ((word & highs) | control | has_zero(word ^ ones * '"') | has_zero(word ^ ones * '\\') | has_zero(word ^ ones * 0x7f)) == 0;
}

/// The same for each byte.
constexpr std::array<bool, 256> plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0x20; byte < 0x7f; ++byte) table[byte] = byte != '"' && byte != '\\';
  return table;
}();

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

/// Makes room for at least that many bytes; where to write them.
char* Writer::grow(std::size_t bytes) {
  out_.resize(std::max({out_.size() * 2, size_ + bytes, std::size_t{1024}}));
  return out_.data() + size_;
}

void Writer::put(std::string_view text) {
  char* to = room(text.size());
  std::memcpy(to, text.data(), text.size());
  size_ += text.size();
}

/// Writes at most 2 bytes.
char* Writer::separate(char* to) {
  if (after_key_) {
    after_key_ = false;
    return to;
  }
  if (!first_) *to++ = ',';
  if (!first_ && spaced_) *to++ = ' ';
  first_ = false;
  return to;
}

void Writer::open(char bracket) {
  char* to = separate(room(3));
  *to++ = bracket;
  advance(to);
  first_ = true;
  ++depth_;
}

void Writer::close(char bracket) {
  SCORIA_CHECK(depth_ > 0 && !after_key_, "JSON end without begin, or a key without a value");
  --depth_;
  *room(1) = bracket;
  ++size_;
  first_ = false;
}

Writer& Writer::begin_object() { return open('{'), *this; }
Writer& Writer::end_object() { return close('}'), *this; }
Writer& Writer::begin_array() { return open('['), *this; }
Writer& Writer::end_array() { return close(']'), *this; }

Writer& Writer::key(std::string_view name) {
  SCORIA_CHECK(depth_ > 0 && !after_key_, "a JSON key outside an object");
  advance(colon(quote(name)));
  after_key_ = true;
  return *this;
}

Writer& Writer::plain_key(std::string_view name) {
  SCORIA_CHECK(depth_ > 0 && !after_key_, "a JSON key outside an object");
  char* to = separate(room(name.size() + 8));
  *to++ = '"';
  std::memcpy(to, name.data(), name.size());
  to += name.size();
  *to++ = '"';
  advance(colon(to));
  after_key_ = true;
  return *this;
}

char* Writer::colon(char* to) {
  *to++ = ':';
  if (spaced_) *to++ = ' ';
  return to;
}

Writer& Writer::string(std::string_view text) {
  advance(quote(text));
  return *this;
}

Writer& Writer::string(std::initializer_list<std::string_view> pieces) {
  char* to = separate(room(3));
  *to++ = '"';
  advance(to);
  for (const std::string_view piece : pieces) advance(copy(room(piece.size() + 8), piece));
  *room(1) = '"';
  ++size_;
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
  advance(separate(room(2)));
  put(json);
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
  out_.resize(std::exchange(size_, 0));
  return std::exchange(out_, {});
}

/// Writes the quoted text; returns its end, behind which two more bytes fit.
char* Writer::quote(std::string_view text) {
  char* to = separate(room(text.size() + 8));
  *to++ = '"';
  to = copy(to, text);
  *to++ = '"';
  return to;
}

/// Writes the text, escaped where it must be, to where it fits with five bytes more; returns its end, behind which three fit.
char* Writer::copy(char* to, std::string_view text) {
  const char* from = text.data();
  const char* const end = from + text.size();
  while (true) {
    const char* const plain_since = from;
    std::uint64_t word = 0;
    while (end - from >= 8 && (std::memcpy(&word, from, 8), clean(word))) {
      std::memcpy(to, &word, 8);
      from += 8;
      to += 8;
    }
    // The last few together with some before them, once more.
    if (const auto left = end - from; left > 0 && left < 8 && from - plain_since >= 8 && (std::memcpy(&word, end - 8, 8), clean(word))) {
      std::memcpy(to + left - 8, &word, 8);
      from = end;
      to += left;
    }
    while (from != end && plain[static_cast<unsigned char>(*from)]) *to++ = *from++;
    if (from == end) break;
    advance(to);
    from += escape({from, end});
    to = room(static_cast<std::size_t>(end - from) + 8);
  }
  return to;
}

/// Writes the first character of `text`, which is not plain; returns how many bytes it had.
std::size_t Writer::escape(std::string_view text) {
  switch (text[0]) {
    case '"': return put("\\\""), 1;
    case '\\': return put("\\\\"), 1;
    case '\b': return put("\\b"), 1;
    case '\f': return put("\\f"), 1;
    case '\n': return put("\\n"), 1;
    case '\r': return put("\\r"), 1;
    case '\t': return put("\\t"), 1;
    default: break;
  }
  const utf8::CodePoint point = utf8::first(text);
  if (point.value < 0x20 || spaced_) {
    if (point.value >= 0x10000) {
      put_unit(0xd800 + ((point.value - 0x10000) >> 10));
      put_unit(0xdc00 + ((point.value - 0x10000) & 0x3ff));
    } else {
      put_unit(point.value);
    }
  } else {
    put(point.valid ? text.substr(0, point.length) : std::string_view("\xef\xbf\xbd"));
  }
  return point.length;
}

void Writer::put_unit(unsigned unit) {
  const std::array<char, 6> text{'\\', 'u', hex_digits[unit >> 12 & 0xf], hex_digits[unit >> 8 & 0xf], hex_digits[unit >> 4 & 0xf], hex_digits[unit & 0xf]};
  put({text.data(), text.size()});
}

}  // namespace scoria::json
