#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace scoria {

/// One condition on a resource. Keys are the API's words; values are texts as the caller gave them, which the column's
/// type reads ("5", "true", "2026-01-31T12:34:56"). No value: unset.
struct ListFilter {
  enum class Test {
    equal,             // values[0]
    one_of,            // any of values; none: nothing matches
    contains,          // values[0] is a part of it, in any case
    not_equal,         // here and below: values[0] is set
    less,
    less_or_equal,
    greater,
    greater_or_equal,
    has_entries,       // a map that holds all of entries
  };
  std::string key;
  Test test = Test::equal;
  std::vector<std::optional<std::string>> values;
  std::vector<std::pair<std::string, std::string>> entries;
};

struct SortKey {
  std::string key;
  bool ascending = false;
};

/// Which rows a list shows, and in which order. The same for every resource; a repository turns it into SQL with
/// store/list_sql.h. Unset values sort before all others when ascending.
struct ListQuery {
  std::vector<ListFilter> filters;
  std::vector<SortKey> sort;   // not empty; ends with "id", so the order is total
  std::string marker;          // id of the last row seen; empty: from the start
  std::int64_t offset = 0;     // rows skipped after the marker
  std::int64_t limit = 1000;
  bool with_count = false;     // also how many match, whatever the page
  std::string project_id;      // empty: all projects
  bool nothing = false;        // a filter that no row can meet: the answer is empty
};

}  // namespace scoria
