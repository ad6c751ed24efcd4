#include "api/forms.h"

#include <algorithm>
#include <charconv>

#include "api/listing.h"
#include "base/text.h"

namespace scoria::api {
namespace {

using Why = std::optional<std::string>;

constexpr std::int64_t max_integer = 2147483647;
constexpr std::size_t max_name = 255;

/// Characters, not bytes.
std::size_t length(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Why length_between(std::string_view text, std::size_t least, std::size_t most) {
  const std::size_t characters = length(text);
  if (characters >= least && characters <= most) return std::nullopt;
  if (least == 0) return fmt::format("It has {} characters; at most {} are allowed.", characters, most);
  return fmt::format("It has {} characters; {} to {} are allowed.", characters, least, most);
}

bool blank(std::string_view text) { return trimmed(text).empty(); }

Why name(std::string_view text) {
  if (blank(text)) return "It must hold more than white space.";
  return length_between(text, 1, max_name);
}

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && (c < '\t' || c > '\r')) || c == 0x7f; }

Why described(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), is_control)) return "It must not hold control characters.";
  return length_between(text, 0, max_name);
}

Why host(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("-._#@:/+[]").find(c) != std::string_view::npos;
  });
  if (!plain) return "It may hold letters, digits and -._#@:/+[] only.";
  return length_between(text, 1, max_name);
}

/// A UUID in any of its spellings: with urn:uuid:, braces, or without hyphens.
bool is_any_uuid(std::string_view text) {
  std::string digits = lower_case(text);
  for (const std::string_view prefix : {"urn:", "uuid:"}) {
    if (const std::size_t at = digits.find(prefix); at != std::string::npos) digits.erase(at, prefix.size());
  }
  std::erase_if(digits, [](char c) { return c == '-' || c == '{' || c == '}'; });
  return digits.size() == 32 && digits.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Why number_between(const json::Value& value, std::int64_t least, std::int64_t most) {
  std::int64_t number = 0;
  if (value.is_integer()) {
    number = value.integer();
  } else {
    const std::string_view text = value.is_string() ? std::string_view(value.string()) : std::string_view{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return "It must be a whole number.";
  }
  if (number >= least && number <= most) return std::nullopt;
  return fmt::format("It must lie between {} and {}.", least, most);
}

Why row_id(const json::Value& value) {
  if (value.is_integer()) return number_between(value, 0, max_integer);
  const std::string& text = value.string();
  if (text.size() <= 11 && text.find_first_not_of("0123456789") == std::string::npos) return std::nullopt;
  return "It must be up to 11 digits.";
}

bool is_base64(std::string_view text) {
  std::string_view body = text;
  while (body.ends_with('=') && text.size() - body.size() < 2) body.remove_suffix(1);
  return !text.empty() && text.size() % 4 == 0 && std::all_of(body.begin(), body.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
}

bool is_progress(const json::Value& value) {
  if (!value.is_string() || !value.string().ends_with('%')) return false;
  const json::Value digits(value.string().substr(0, value.string().size() - 1));
  return !number_between(digits, 0, 100);
}

bool is_level(std::string_view text) {
  constexpr std::string_view levels[] = {"debug", "info", "warning", "warn", "error", "critical", "fatal", "notset"};
  const std::string word = lower_case(text);
  return std::find(std::begin(levels), std::end(levels), word) != std::end(levels);
}

Why choice(std::string_view words, const json::Value& value) {
  for (const std::string_view word : split(words, ' ')) {
    if (value.is_string() && (word == "''" ? value.string().empty() : value.string() == word)) return std::nullopt;
  }
  return fmt::format("It must be one of: {}.", words);
}

Why keys(Form form, std::string_view words, const json::Value& value) {
  const auto given = std::count_if(value.object().begin(), value.object().end(), [words](const auto& member) {
    const auto known = split(words, ' ');
    return std::find(known.begin(), known.end(), member.first) != known.end();
  });
  if (form == Form::some_of && given == 0) return fmt::format("At least one of these is required: {}.", words);
  if (form == Form::exactly_one_of && given != 1) return fmt::format("Exactly one of these is required: {}.", words);
  return std::nullopt;
}

Why quotas(const json::Value& value) {
  if (value.object().empty()) return "It must not be empty.";
  for (const auto& [key, limit] : value.object()) {
    if (key == "id" || key == "tenant_id") continue;
    if (const Why why = number_between(limit, -1, max_integer)) return fmt::format("'{}' must be a quota: {}", key, *why);
  }
  return std::nullopt;
}

Why distinct(const json::Value& value, bool may_be_empty) {
  const json::Array& items = value.array();
  if (items.empty() && !may_be_empty) return "It must not be empty.";
  for (std::size_t at = 0; at < items.size(); ++at) {
    for (std::size_t other = at + 1; other < items.size(); ++other) {
      const bool same = items[at].is_string() && items[other].is_string() && items[at].string() == items[other].string();
      if (same) return fmt::format("'{}' stands in it twice.", items[at].string());
    }
  }
  return std::nullopt;
}

Why unless(bool good, const char* why) { return good ? std::nullopt : Why(why); }

}  // namespace

std::optional<std::string> broken_form(Form form, std::string_view words, const json::Value& value) {
  const std::string_view text = value.is_string() ? std::string_view(value.string()) : std::string_view{};
  switch (form) {
    case Form::any:
    case Form::closed:
    case Form::open: return std::nullopt;
    case Form::flag: return unless(value.is_bool() || read_flag(text), "It must be a boolean.");
    case Form::up_to_40: return length_between(text, 0, 40);
    case Form::up_to_255: return length_between(text, 0, max_name);
    case Form::from_1_to_255: return length_between(text, 1, max_name);
    case Form::described: return described(text);
    case Form::name: return name(text);
    case Form::trimmed_name: return name(trimmed(text));
    case Form::trimmed_optional: return length_between(trimmed(text), 0, max_name);
    case Form::host: return host(text);
    case Form::uuid: return unless(is_any_uuid(text), "It must be a UUID.");
    case Form::positive: return number_between(value, 1, max_integer);
    case Form::natural: return number_between(value, 0, max_integer);
    case Form::quota: return number_between(value, -1, max_integer);
    case Form::row_id: return row_id(value);
    case Form::long_text: return unless(text.size() <= 65535, "It must not be longer than 65535 bytes.");
    case Form::base64: return unless(is_base64(text), "It must be base64.");
    case Form::progress: return unless(is_progress(value), "It must be a percentage such as 80%.");
    case Form::log_level: return unless(is_level(text), "It must be a log level.");
    case Form::choice: return choice(words, value);
    case Form::some_of:
    case Form::exactly_one_of: return keys(form, words, value);
    case Form::not_empty:
    case Form::not_empty_open: return unless(!value.object().empty(), "It must not be empty.");
    case Form::quotas: return quotas(value);
    case Form::distinct: return distinct(value, true);
    case Form::distinct_not_empty: return distinct(value, false);
  }
  return std::nullopt;
}

}  // namespace scoria::api
