#include "api/fields.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "api/forms.h"
#include "base/text.h"
#include "json/parse.h"

namespace scoria::api {
namespace {

constexpr std::size_t shown_value_bytes = 200;

/// The value as a message shows it: texts without quotes, everything else as JSON, nothing endless.
std::string shown(const json::Value& value) {
  std::string text = value.is_string() ? value.string() : json::to_text(value);
  if (text.size() <= shown_value_bytes) return text;
  std::size_t end = shown_value_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "…";
}

unsigned kind_of(const json::Value& value) {
  if (value.is_string()) return kind_text;
  if (value.is_integer()) return kind_integer;
  if (value.is_bool()) return kind_flag;
  if (value.is_null()) return kind_null;
  if (value.is_object()) return kind_object;
  if (value.is_array()) return kind_array;
  return 0;  // a number with a fraction is no kind that any field takes
}

std::string names_of(unsigned kinds) {
  constexpr std::pair<unsigned, std::string_view> names[] = {{kind_text, "a text"}, {kind_integer, "an integer"}, {kind_flag, "a boolean"},
                                                             {kind_object, "an object"}, {kind_array, "a list"}, {kind_null, "null"}};
  std::string out;
  for (const auto& [kind, name] : names) {
    if ((kinds & kind) != 0) out += fmt::format("{}{}", out.empty() ? "" : " or ", name);
  }
  return out;
}

tl::unexpected<Refusal> wrong(std::string_view name, const json::Value& value, std::string_view why) {
  auto out = refuse(RefusalCode::invalid_input, "Invalid input for field/attribute {}. Value: {}. {}", name, shown(value), why);
  out.value().detail = name;
  return out;
}

/// "255. /" -> 255 and ". /"
struct KeyRule {
  std::size_t longest = 0;
  std::string_view characters;
  explicit KeyRule(std::string_view words) {
    while (!words.empty() && words[0] >= '0' && words[0] <= '9') {
      longest = longest * 10 + static_cast<std::size_t>(words[0] - '0');
      words.remove_prefix(1);
    }
    characters = words;
  }
  bool admits(std::string_view key) const {
    if (key.empty() || key.size() > longest) return false;
    return std::all_of(key.begin(), key.end(), [this](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':' ||
             characters.find(c) != std::string_view::npos;
    });
  }
};

/// One check of one body.
class BodyCheck {
 public:
  BodyCheck(const Schema& schema, Microversion version) : schema_(schema), version_(version) {}

  Result<> members(std::string_view parent, std::string_view shown_name, const json::Value& object, bool closed) const {
    for (const SchemaField& field : schema_.fields) {
      if (field.parent != parent || !active(field) || field.name == "*") continue;
      const json::Value* value = object.find(field.name);
      if (value == nullptr && field.required) return wrong(shown_name, object, fmt::format("'{}' is required.", field.name));
      if (value == nullptr) continue;
      if (Result<> checked = field_value(field, field.name, *value); !checked) return checked;
    }
    return other_members(parent, shown_name, object, closed);
  }

 private:
  bool active(const SchemaField& field) const { return field.since <= version_.minor && version_.minor <= field.until; }

  const SchemaField* find(std::string_view parent, std::string_view name) const {
    for (const SchemaField& field : schema_.fields) {
      if (field.parent == parent && field.name == name && active(field)) return &field;
    }
    return nullptr;
  }

  Result<> other_members(std::string_view parent, std::string_view shown_name, const json::Value& object, bool closed) const {
    const SchemaField* map = find(parent, "*");
    for (const auto& [key, value] : object.object()) {
      if (find(parent, key) != nullptr) continue;
      if (map != nullptr && KeyRule(map->words).admits(key)) {
        if (Result<> checked = field_value(*map, key, value); !checked) return checked;
      } else if (closed) {
        const std::string_view why = map == nullptr ? "'{}' is not known here." : "'{}' cannot be a key here.";
        return wrong(shown_name, object, fmt::format(fmt::runtime(why), key));
      }
    }
    return {};
  }

  Result<> field_value(const SchemaField& field, std::string_view name, const json::Value& value) const {
    if (field.kinds != kind_any && (kind_of(value) & field.kinds) == 0) {
      return wrong(name, value, fmt::format("It must be {}.", names_of(field.kinds)));
    }
    if (value.is_null() && (field.kinds & kind_null) != 0 && field.kinds != kind_any) return {};
    if (const std::optional<std::string> why = broken_form(field.form, field.words, value)) return wrong(name, value, *why);
    const std::string inside = field.parent.empty() ? std::string(field.name) : fmt::format("{}.{}", field.parent, field.name);
    if (value.is_array()) return items(inside, name, value);
    if (!value.is_object() || field.form == Form::any || field.form == Form::quotas) return {};
    return members(inside, name, value, field.form != Form::open && field.form != Form::not_empty_open);
  }

  Result<> items(const std::string& parent, std::string_view name, const json::Value& array) const {
    const SchemaField* item = find(parent, "[]");
    if (item == nullptr) return {};
    for (const json::Value& value : array.array()) {
      if (Result<> checked = field_value(*item, name, value); !checked) return checked;
    }
    return {};
  }

  const Schema& schema_;
  Microversion version_;
};

/// Captures are named differently in the two tables: "/v3/volumes/{id}" and "/v3/volumes/{volume_id}" are one.
std::string unnamed(std::string_view path) {
  std::string out;
  bool inside = false;
  for (const char c : path) {
    if (c == '{') out += "{}";
    inside = c == '{' || (inside && c != '}');
    if (!inside && c != '}') out += c;
  }
  return out;
}

using Key = std::tuple<std::string_view, std::string, std::string_view>;

std::map<Key, const Schema*> by_route() {
  std::map<Key, const Schema*> out;
  for (const Schema& schema : schemas()) out.emplace(Key{schema.method, unnamed(schema.path), schema.action}, &schema);
  return out;
}

}  // namespace

const Schema* find_schema(const Route& route) {
  static const std::map<Key, const Schema*> known = by_route();
  const auto found = known.find(Key{route.method, unnamed(route.path), route.action});
  return found == known.end() ? nullptr : found->second;
}

Result<> check_body(const Schema& schema, Microversion version, const json::Value& body) {
  if (!body.is_object()) return refuse(RefusalCode::invalid_input, "The body must be a JSON object.");
  return BodyCheck(schema, version).members("", "body", body, true);
}

}  // namespace scoria::api
