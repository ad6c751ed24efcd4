#include "api/listing.h"

#include <algorithm>
#include <charconv>

#include "api/filters.h"
#include "base/text.h"

namespace scoria::api {
namespace {

constexpr std::int64_t max_offset = 2147483647;

std::optional<std::int64_t> read_integer(std::string_view text) {
  text = trimmed(text);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<> read_page(const ApiRequest& request, const ListLimits& limits, ListQuery& query) {
  query.limit = limits.max_limit;
  if (const std::string* text = request.query("limit")) {
    const std::optional<std::int64_t> limit = read_integer(*text);
    if (!limit || *limit < 0) return refuse(RefusalCode::invalid_input, "limit must be an integer of at least 0, not '{}'.", *text);
    query.limit = std::min(*limit, limits.max_limit);
  }
  if (const std::string* text = request.query("offset")) {
    const std::optional<std::int64_t> offset = read_integer(*text);
    if (!offset || *offset < 0 || *offset > max_offset) {
      return refuse(RefusalCode::invalid_input, "offset must be an integer between 0 and {}, not '{}'.", max_offset, *text);
    }
    query.offset = *offset;
  }
  if (const std::string* marker = request.query("marker")) query.marker = *marker;
  return {};
}

Result<SortKey> sort_key(const ApiRequest& request, const ListRules& rules, std::string_view key, std::string_view direction) {
  const ListField* field = rules.find(key);
  if (field == nullptr || !request.since(field->sort_since)) {
    return refuse(RefusalCode::invalid_input, "'{}' is no key that this list can be sorted by.", key);
  }
  if (direction != "asc" && direction != "desc") {
    return refuse(RefusalCode::invalid_input, "'{}' is no sort direction: it must be asc or desc.", direction);
  }
  return SortKey{std::string(field->meaning()), direction == "asc"};
}

void append_ties(ListQuery& query) {
  for (const std::string_view key : {"created_at", "id"}) {
    const bool there = std::any_of(query.sort.begin(), query.sort.end(), [key](const SortKey& sort) { return sort.key == key; });
    if (!there) query.sort.push_back({std::string(key), query.sort.front().ascending});
  }
  // What follows the id decides nothing.
  const auto id = std::find_if(query.sort.begin(), query.sort.end(), [](const SortKey& sort) { return sort.key == "id"; });
  query.sort.erase(id + 1, query.sort.end());
}

Result<> read_sort(const ApiRequest& request, const ListRules& rules, ListQuery& query) {
  const std::string* sort = request.query("sort");
  const std::string* key = request.query("sort_key");
  const std::string* direction = request.query("sort_dir");
  if (sort != nullptr && (key != nullptr || direction != nullptr)) {
    return refuse(RefusalCode::invalid_input, "sort cannot be used together with sort_key and sort_dir.");
  }
  constexpr std::string_view default_direction = "desc";
  if (sort != nullptr) {
    for (const std::string_view part : split(*sort, ',')) {
      const std::size_t colon = part.find(':');
      const std::string_view way = colon == std::string_view::npos ? default_direction : trimmed(part.substr(colon + 1));
      Result<SortKey> read = sort_key(request, rules, trimmed(part.substr(0, colon)), way);
      if (!read) return refuse(std::move(read.error()));
      query.sort.push_back(std::move(*read));
    }
  } else {
    const std::string_view name = key == nullptr ? std::string_view("created_at") : trimmed(*key);
    Result<SortKey> read = sort_key(request, rules, name, direction == nullptr ? default_direction : trimmed(*direction));
    if (!read) return refuse(std::move(read.error()));
    query.sort.push_back(std::move(*read));
  }
  append_ties(query);
  return {};
}

/// A yes-or-no parameter; absent means no.
Result<bool> read_switch(const ApiRequest& request, std::string_view name) {
  const std::string* text = request.query(name);
  if (text == nullptr) return false;
  const std::optional<bool> flag = read_flag(*text);
  if (!flag) return refuse(RefusalCode::invalid_input, "Value '{}' for {} is no boolean.", *text, name);
  return *flag;
}

Result<> read_scope(const ApiRequest& request, ListQuery& query) {
  Result<bool> all = request.context.is_admin ? read_switch(request, "all_tenants") : Result<bool>(false);
  if (!all) return refuse(std::move(all.error()));
  if (!*all) query.project_id = request.context.project_id;
  return {};
}

}  // namespace

const ListField* ListRules::find(std::string_view key) const {
  for (const ListField& field : fields) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

std::optional<bool> read_flag(std::string_view text) {
  const std::string word = lower_case(trimmed(text));
  for (const std::string_view yes : {"1", "t", "true", "on", "y", "yes"}) {
    if (word == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "false", "off", "n", "no"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

Result<ListQuery> read_list(const ApiRequest& request, const ListRules& rules, const ListLimits& limits) {
  ListQuery query;
  query.limit = limits.max_limit;
  if (Result<> read = read_scope(request, query); !read) return refuse(std::move(read.error()));
  if (!request.since(rules.paging_since)) {
    query.sort = {{"created_at", rules.oldest_first_unpaged}, {"id", rules.oldest_first_unpaged}};
    return query;
  }
  if (Result<> read = read_page(request, limits, query); !read) return refuse(std::move(read.error()));
  if (Result<> read = read_sort(request, rules, query); !read) return refuse(std::move(read.error()));
  if (request.since(rules.count_since)) {
    Result<bool> count = read_switch(request, "with_count");
    if (!count) return refuse(std::move(count.error()));
    query.with_count = *count;
  }
  if (Result<> read = read_filters(request, rules, limits.filters, query); !read) return refuse(std::move(read.error()));
  return query;
}

void write_next_link(json::Writer& out, const ApiRequest& request, const ListRules& rules, const ListQuery& query, std::size_t rows,
                     std::string_view last_id) {
  if (rows == 0 || static_cast<std::int64_t>(rows) < query.limit) return;
  std::vector<std::pair<std::string, std::string>> parameters = request.http->query;
  std::erase_if(parameters, [](const auto& parameter) { return parameter.first == "marker"; });
  std::stable_sort(parameters.begin(), parameters.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  parameters.emplace_back("marker", last_id);
  std::string href = request.links.base + request.links.path;
  char before = '?';
  for (const auto& [key, value] : parameters) {
    href += fmt::format("{}{}={}", before, percent_encode(key), percent_encode(value));
    before = '&';
  }
  out.key(rules.links).begin_array();
  out.begin_object().field("rel", "next").field("href", href).end_object();
  out.end_array();
}

}  // namespace scoria::api
