#include "observe/log_format.h"

#include <algorithm>

namespace scoria::log {
namespace {

constexpr std::size_t text_limit = 16 * 1024;

/// Bytes of the well-formed UTF-8 sequence at the front of `text` (1 to 4), 0 if there is none.
std::size_t sequence(std::string_view text) {
  const auto byte = [&text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&byte](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool shortest = first != 0xe0 || byte(1) >= 0xa0;
    const bool no_surrogate = first != 0xed || byte(1) < 0xa0;
    return follows(1) && follows(2) && shortest && no_surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool in_range = (first != 0xf0 || byte(1) >= 0x90) && (first != 0xf4 || byte(1) < 0x90);
    return follows(1) && follows(2) && follows(3) && in_range ? 4 : 0;
  }
  return 0;
}

/// How many bytes at the front of `text` stand for themselves.
std::size_t plain(std::string_view text, bool json) {
  const auto stands = [json](char c) { return c >= ' ' && c < '\x7f' && !(json && (c == '"' || c == '\\')); };
  return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), stands) - text.begin());
}

void append_escaped(std::string& out, char c, bool json) {
  const auto code = static_cast<unsigned>(static_cast<unsigned char>(c));
  if (c == '\n') {
    out += "\\n";
  } else if (json && (c == '"' || c == '\\')) {
    out += '\\';
    out += c;
  } else if (code < 0x20 || code == 0x7f) {
    out += json ? fmt::format("\\u{:04x}", code) : fmt::format("\\x{:02x}", code);
  } else {
    out += c;
  }
}

void append(std::string& out, std::string_view text, bool json) {
  const std::size_t cut = text.size() > text_limit ? text.size() - text_limit : 0;
  text.remove_suffix(cut);
  while (!text.empty()) {
    const std::size_t run = plain(text, json);
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) break;
    const std::size_t length = sequence(text);
    if (length == 1) {
      append_escaped(out, text.front(), json);
    } else if (length == 0) {
      out += "\xef\xbf\xbd";
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (cut != 0) out += fmt::format(" … ({} bytes more)", cut);
}

void member(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out += ",\"";
  out += key;
  out += "\":\"";
  append(out, value, true);
  out += '"';
}

}  // namespace

std::string as_text(const Line& line) {
  std::string out = fmt::format("{} {:<7} {:<10} ", to_rfc3339(line.time), name(line.level), line.area);
  for (const std::string* about : {&line.request, &line.operation, &line.resource}) {
    if (about->empty()) continue;
    out += '[';
    append(out, *about, false);
    out += "] ";
  }
  append(out, line.text, false);
  return out += '\n';
}

std::string as_json(const Line& line) {
  std::string out = fmt::format("{{\"time\":\"{}\",\"level\":\"{}\"", to_rfc3339(line.time), name(line.level));
  member(out, "area", line.area);
  member(out, "request", line.request);
  member(out, "operation", line.operation);
  member(out, "resource", line.resource);
  member(out, "text", line.text);
  return out += "}\n";
}

}  // namespace scoria::log
