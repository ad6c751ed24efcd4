#include "http/target.h"

#include <algorithm>

#include "base/utf8.h"

namespace scoria::http {

namespace {

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

enum class Part { path, query };

/// False on a broken escape in a path.
bool decode(std::string_view text, Part part, std::string& out) {
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      const int high = at + 2 < text.size() ? hex_value(text[at + 1]) : -1;
      const int low = at + 2 < text.size() ? hex_value(text[at + 2]) : -1;
      if (high >= 0 && low >= 0) {
        out.push_back(static_cast<char>(high * 16 + low));
        at += 2;
        continue;
      }
      if (part == Part::path) return false;
    }
    out.push_back(part == Part::query && text[at] == '+' ? ' ' : text[at]);
  }
  return true;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f; });
}

bool has_parent_segment(std::string_view path) {
  for (std::size_t at = path.find("/.."); at != std::string_view::npos; at = path.find("/..", at + 1)) {
    if (at + 3 == path.size() || path[at + 3] == '/') return true;
  }
  return false;
}

/// `http://host/path` → `/path`; empty when there is no path.
std::string_view without_authority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = target.find_first_of("/?");
    if (end == std::string_view::npos) return "/";
    return target.substr(end);
  }
  return target;
}

Result<> read_query(std::string_view text, Target& out) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::pair<std::string, std::string> item;
    decode(pair.substr(0, equals), Part::query, item.first);
    decode(pair.substr(std::min(equals + 1, pair.size())), Part::query, item.second);
    for (const std::string* part : {&item.first, &item.second}) {
      if (part->find('\0') != std::string::npos || !utf8::is_valid(*part))
        return refuse(RefusalCode::invalid_input, "The query of the URL is not valid text.");
    }
    out.query.push_back(std::move(item));
  }
  return {};
}

}  // namespace

Result<Target> read_target(std::string_view target) {
  Target out;
  if (target == "*") {
    out.path = "*";
    return out;
  }
  target = without_authority(target);
  const std::size_t question = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, question);
  if (path.empty() && question < target.size()) {
    out.path = "/";
  } else if (!path.starts_with('/')) {
    return refuse(RefusalCode::invalid_input, "The URL has no path.");
  } else if (!decode(path, Part::path, out.path) || has_control(out.path) || has_parent_segment(out.path) || !utf8::is_valid(out.path)) {
    return refuse(RefusalCode::invalid_input, "The path of the URL is malformed.");
  }
  if (question < target.size()) {
    if (Result<> read = read_query(target.substr(question + 1), out); !read) return refuse(read.error());
  }
  return out;
}

}  // namespace scoria::http
