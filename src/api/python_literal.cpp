#include "api/python_literal.h"

#include <charconv>

#include "base/text.h"

namespace scoria::api {
namespace {

constexpr int max_depth = 16;

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<json::Value> whole() {
    std::optional<json::Value> value = any(0);
    skip_blanks();
    return at_ == text_.size() ? std::move(value) : std::nullopt;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }
  char peek() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }

  std::optional<json::Value> any(int depth) {
    if (depth > max_depth) return std::nullopt;
    const char next = peek();
    if (next == 'u' || next == 'U') {  // u'text'
      if (at_ + 1 >= text_.size() || (text_[at_ + 1] != '\'' && text_[at_ + 1] != '"')) return std::nullopt;
      ++at_;
      return string();
    }
    if (next == '\'' || next == '"') return string();
    if (take('[')) return items(']', depth);
    if (take('(')) return items(')', depth);
    if (take('{')) return members(depth);
    return word();
  }

  std::optional<json::Value> string() {
    std::optional<std::string> text = string_text();
    if (!text) return std::nullopt;
    return json::Value(std::move(*text));
  }

  std::optional<std::string> string_text() {
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      const char c = text_[at_++];
      if (c == '\n') return std::nullopt;
      if (c != '\\') out += c;
      else if (!escape(out)) return std::nullopt;
    }
    if (at_ == text_.size()) return std::nullopt;
    ++at_;
    return out;
  }

  bool escape(std::string& out) {
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    switch (c) {
      case 'n': out += '\n'; return true;
      case 't': out += '\t'; return true;
      case 'r': out += '\r'; return true;
      case '\\': case '\'': case '"': out += c; return true;
      case 'x': return hex(out, 2);
      case 'u': return hex(out, 4);
      default: out += '\\', out += c; return true;
    }
  }

  bool hex(std::string& out, std::size_t digits) {
    unsigned code = 0;
    if (text_.size() - at_ < digits) return false;
    const char* begin = text_.data() + at_;
    if (std::from_chars(begin, begin + digits, code, 16).ptr != begin + digits) return false;
    if (code >= 0xd800 && code < 0xe000) return false;
    at_ += digits;
    append_utf8(out, code);
    return true;
  }

  std::optional<json::Value> items(char end, int depth) {
    json::Array out;
    bool comma = true;  // may an item follow?
    while (!take(end)) {
      if (!comma) return std::nullopt;
      std::optional<json::Value> item = any(depth + 1);
      if (!item) return std::nullopt;
      out.push_back(std::move(*item));
      comma = take(',');
    }
    if (end == ')' && out.size() == 1 && !comma) return std::move(out.front());  // only brackets
    return json::Value(std::move(out));
  }

  std::optional<json::Value> members(int depth) {
    json::Object out;
    bool comma = true;
    while (!take('}')) {
      if (!comma) return std::nullopt;
      std::optional<json::Value> key = any(depth + 1);
      if (!key || !take(':')) return std::nullopt;
      std::optional<json::Value> value = any(depth + 1);
      if (!value) return std::nullopt;
      if (key->is_integer()) key = json::Value(std::to_string(key->integer()));
      if (!key->is_string()) return std::nullopt;
      out.emplace_back(key->string(), std::move(*value));
      comma = take(',');
    }
    return json::Value(std::move(out));
  }

  std::optional<json::Value> word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && std::string_view(" \t\r\n,:]})").find(text_[at_]) == std::string_view::npos) ++at_;
    std::string_view name = text_.substr(begin, at_ - begin);
    if (name == "True") return json::Value(true);
    if (name == "False") return json::Value(false);
    if (name == "None") return json::Value();
    return number(name);
  }

  static std::optional<json::Value> number(std::string_view name) {
    std::string_view digits = name;
    if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
    if (digits.empty() || digits[0] < '0' || digits[0] > '9') return std::nullopt;
    if (name.starts_with('+')) name.remove_prefix(1);
    const bool whole = digits.find_first_not_of("0123456789") == std::string_view::npos;
    if (whole && digits.size() > 1 && digits[0] == '0') return std::nullopt;  // 007 is no literal
    const char* end = name.data() + name.size();
    if (std::int64_t integer = 0; whole && std::from_chars(name.data(), end, integer).ec == std::errc{}) return json::Value(integer);
    double real = 0;
    const auto [at, error] = std::from_chars(name.data(), end, real);
    if (error != std::errc{} || at != end) return std::nullopt;
    return json::Value(real);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<json::Value> read_python_literal(std::string_view text) { return Reader(text).whole(); }

}  // namespace scoria::api
