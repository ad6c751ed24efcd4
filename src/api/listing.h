#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/request.h"
#include "api/resource_filters.h"
#include "base/result.h"
#include "domain/list_query.h"
#include "json/writer.h"

namespace scoria::api {

/// A key that a list may be filtered or sorted by.
struct ListField {
  enum class Kind { text, raw, integer, flag, time, entries };  // raw: text that is never read as a Python literal
  std::string_view key;
  Kind kind = Kind::text;
  int filter_since = 0;    // 3.N; below, the filter is dropped. never: no filter
  int sort_since = never;  // 3.N; below, sorting by it is refused
  bool before_31 = false;  // may be used without the admin role below 3.31
  std::string_view means = {};  // another name of this key, the one that lists know; empty: this is it
  static constexpr int never = no_limit;
  std::string_view meaning() const { return means.empty() ? key : means; }
};

/// How one resource is listed; the rules of all resources stand in list_rules.cpp.
struct ListRules {
  std::string_view resource;  // as ResourceFilters names it
  std::string_view links;     // the envelope's member for the next page: "volumes_links"
  std::span<const ListField> fields;
  int like_since = 34;        // `key~=value`; never: not at all
  int count_since = ListField::never;  // with_count
  int paging_since = 0;       // below, everything is shown in the fixed order, parameters are ignored
  bool oldest_first_unpaged = false;   // that fixed order; else the newest first, as the default is everywhere
  const ListField* find(std::string_view key) const;
};

extern const ListRules volume_list;
extern const ListRules snapshot_list;
extern const ListRules attachment_list;
extern const ListRules message_list;
extern const ListRules volume_type_list;
extern const ListRules qos_list;
extern const ListRules backup_list;
extern const ListRules group_list;
extern const ListRules group_snapshot_list;
extern const ListRules transfer_list;

/// What an operator set for lists.
struct ListLimits {
  std::int64_t max_limit = 1000;  // osapi_max_limit
  ResourceFilters filters;
};

/// Reads limit, marker, offset, sort, with_count, all_tenants and filters of a request. Refuses invalid_input. An admin's
/// filter that no list knows makes a query that finds nothing.
Result<ListQuery> read_list(const ApiRequest& request, const ListRules& rules, const ListLimits& limits);

/// Writes the link to the next page, if there may be one: the page is not empty and has reached its limit, be it the
/// last. `last_id` is the id of its last row.
void write_next_link(json::Writer& out, const ApiRequest& request, const ListRules& rules, const ListQuery& query, std::size_t rows,
                     std::string_view last_id);

/// Cinder's idea of a boolean word (true, t, 1, on, yes, y; false, f, 0, off, no, n; any case); nothing for others.
std::optional<bool> read_flag(std::string_view text);

}  // namespace scoria::api
