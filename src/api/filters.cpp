#include "api/filters.h"

#include <algorithm>

#include "api/python_literal.h"
#include "base/text.h"
#include "base/time.h"
#include "json/parse.h"

namespace scoria::api {
namespace {

using Kind = ListField::Kind;
using Test = ListFilter::Test;

constexpr int filter_file_since = 31;
constexpr int strict_flags_since = 2;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x80; });
}

/// Parameters of every list that are no filters.
bool is_list_word(std::string_view key) {
  for (const std::string_view word : {"limit", "marker", "offset", "sort", "sort_key", "sort_dir", "all_tenants"}) {
    if (key == word) return true;
  }
  return false;
}

std::string_view without_tilde(std::string_view key) {
  if (key.ends_with('~')) key.remove_suffix(1);
  return key;
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::any_of(list.begin(), list.end(), [text](const std::string& item) { return item == text; });
}

/// From 3.31 on: is the key in the operator's file? Where `key~` is, `key` is as well.
bool configured(const std::vector<std::string>& list, std::string_view key, bool like) {
  if (key.ends_with('~') && !like) return false;
  return contains(list, key) || (like && contains(list, std::string(key) + '~'));
}

struct Given {
  std::string_view key;
  std::string_view value;
};

/// The filters of a request: the last of each key, but what this microversion does not have yet.
std::vector<Given> given_filters(const ApiRequest& request, const ListRules& rules) {
  std::vector<Given> out;
  for (const auto& [key, value] : request.http->query) {
    if (is_list_word(key) || (key == "with_count" && request.since(rules.count_since))) continue;
    const ListField* field = rules.find(without_tilde(key));
    // From 3.31 on the file decides alone, even about filters of later versions.
    if (field != nullptr && !request.since(filter_file_since) && !request.since(field->filter_since) &&
        field->filter_since != ListField::never) {
      continue;
    }
    std::erase_if(out, [&key = key](const Given& before) { return before.key == key; });
    out.push_back({key, value});
  }
  return out;
}

/// Drops, or refuses, what this caller may not filter by.
Result<> admit(const ApiRequest& request, const ListRules& rules, const ResourceFilters& allowed, std::vector<Given>& filters) {
  if (!request.since(filter_file_since)) {
    if (request.context.is_admin) return {};
    std::erase_if(filters, [&rules](const Given& filter) {
      const ListField* field = rules.find(filter.key);
      return field == nullptr || !field->before_31;
    });
    return {};
  }
  std::string refused;
  const bool everything = request.context.is_admin && rules.resource != "pool";
  for (const Given& filter : filters) {
    if (!is_ascii(filter.key)) return refuse(RefusalCode::invalid_input, "Filter keys can only contain ASCII characters.");
    if (everything || configured(allowed.of(rules.resource), filter.key, request.since(rules.like_since))) continue;
    refused += fmt::format("{}{}", refused.empty() ? "" : ", ", filter.key);
  }
  if (!refused.empty()) return refuse(RefusalCode::invalid_input, "Invalid filters {} are found in query options.", refused);
  return {};
}

/// A scalar of a literal, as a column reads it.
std::optional<std::string> scalar(const json::Value& value) {
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) return value.string();
  if (value.is_bool()) return value.boolean() ? "True" : "False";
  return json::to_text(value);
}

bool is_scalar(const json::Value& value) { return !value.is_array() && !value.is_object(); }

class FilterReader {
 public:
  FilterReader(const ApiRequest& request, ListQuery& query) : request_(request), query_(query) {}

  Result<> add(const ListField& field, std::string_view value) {
    switch (field.kind) {
      case Kind::flag: return add_flag(field, value);
      case Kind::time: return add_times(field, value);
      case Kind::raw: return add_text(field.meaning(), std::string(value));
      case Kind::entries: return add_entries(field, value);
      case Kind::text:
      case Kind::integer: break;
    }
    return add_literal(field, value);
  }

  void add_like(const ListField& field, std::string_view value) {
    if (field.kind != Kind::text && field.kind != Kind::raw) query_.nothing = true;
    query_.filters.push_back({std::string(field.meaning()), Test::contains, {std::string(value)}, {}});
  }

 private:
  Result<> add_text(std::string_view key, std::optional<std::string> value) {
    query_.filters.push_back({std::string(key), Test::equal, {std::move(value)}, {}});
    return {};
  }

  Result<> add_flag(const ListField& field, std::string_view value) {
    if (!request_.since(strict_flags_since)) {
      const bool no = value == "False" || value == "false" || value == "FALSE" || value.empty();
      return add_text(field.meaning(), no ? "false" : "true");
    }
    const std::optional<bool> flag = read_flag(value);
    if (!flag) return refuse(RefusalCode::invalid_input, "Value '{}' for filter {} is no boolean.", value, field.key);
    return add_text(field.meaning(), *flag ? "true" : "false");
  }

  /// `gt:2026-01-01T00:00:00,lte:…`
  Result<> add_times(const ListField& field, std::string_view value) {
    constexpr std::pair<std::string_view, Test> operators[] = {{"gt", Test::greater},   {"gte", Test::greater_or_equal}, {"eq", Test::equal},
                                                               {"neq", Test::not_equal}, {"lt", Test::less},              {"lte", Test::less_or_equal}};
    for (const std::string_view part : split(value, ',')) {
      const std::size_t colon = part.find(':');
      const std::string_view name = trimmed(part.substr(0, colon));
      const std::string text(colon == std::string_view::npos ? std::string_view{} : trimmed(part.substr(colon + 1)));
      const auto* found = std::find_if(std::begin(operators), std::end(operators), [name](const auto& known) { return known.first == name; });
      Timestamp time;
      if (found == std::end(operators) || !parse_time(text, time)) {
        return refuse(RefusalCode::invalid_input, "Filter {} must look like gt:2026-01-31T12:34:56 (gt, gte, eq, neq, lt, lte), not '{}'.", field.key,
                      part);
      }
      query_.filters.push_back({std::string(field.meaning()), found->second, {text}, {}});
    }
    return {};
  }

  Result<> add_entries(const ListField& field, std::string_view value) {
    ListFilter filter{std::string(field.meaning()), Test::has_entries, {}, {}};
    const std::optional<json::Value> map = read_python_literal(value);
    if (!map || !map->is_object()) {
      query_.nothing = true;
      return {};
    }
    for (const auto& [key, entry] : map->object()) {
      const std::optional<std::string> text = scalar(entry);
      if (!is_scalar(entry) || !text) {
        query_.nothing = true;
        return {};
      }
      filter.entries.emplace_back(key, *text);
    }
    query_.filters.push_back(std::move(filter));
    return {};
  }

  Result<> add_literal(const ListField& field, std::string_view value) {
    const std::optional<json::Value> literal = read_python_literal(value);
    if (!literal || literal->is_number() || literal->is_bool()) return add_text(field.meaning(), std::string(value));
    if (is_scalar(*literal)) return add_text(field.meaning(), scalar(*literal));
    ListFilter filter{std::string(field.meaning()), Test::one_of, {}, {}};
    const bool flat = literal->is_array() && std::all_of(literal->array().begin(), literal->array().end(), is_scalar);
    if (!flat) {
      query_.nothing = true;
      return {};
    }
    for (const json::Value& item : literal->array()) filter.values.push_back(scalar(item));
    query_.filters.push_back(std::move(filter));
    return {};
  }

  const ApiRequest& request_;
  ListQuery& query_;
};

}  // namespace

Result<> read_filters(const ApiRequest& request, const ListRules& rules, const ResourceFilters& allowed, ListQuery& query) {
  std::vector<Given> filters = given_filters(request, rules);
  if (Result<> admitted = admit(request, rules, allowed, filters); !admitted) return admitted;
  FilterReader reader(request, query);
  for (const Given& filter : filters) {
    const bool like = filter.key.ends_with('~') && request.since(rules.like_since);
    const ListField* field = rules.find(like ? without_tilde(filter.key) : filter.key);
    if (field == nullptr || field->filter_since == ListField::never) {
      query.nothing = true;  // an admin's, or one that the operator's file invented
    } else if (like) {
      reader.add_like(*field, filter.value);
    } else if (Result<> added = reader.add(*field, filter.value); !added) {
      return added;
    }
  }
  return {};
}

}  // namespace scoria::api
