#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "db/database.h"
#include "domain/list_query.h"

namespace scoria::store {

/// What an API key of a list stands for in SQL.
struct ListColumn {
  enum class Type {
    text,
    integer,
    flag,     // 0 or 1
    time,     // microseconds
    entries,  // `sql` is a condition with two placeholders, key and value: {json_text:v.metadata:?} = ?
  };
  std::string_view key;
  std::string_view sql;  // "v.display_name"
  Type type = Type::text;
  bool nullable = false;
};

/// How a resource is listed. All texts are constants of the repository, never a caller's.
struct ListTable {
  std::string_view noun;     // "Volume", for "Volume <id> could not be found."
  std::string_view select;   // columns of the answer
  std::string_view from;     // table, joins
  std::string_view where;    // what every row must meet ("v.deleted = 0"); may be empty
  std::string_view id;       // column of the id
  std::string_view project;  // column of the owner; empty: resources without one
  std::span<const ListColumn> columns;  // "id" among them
  std::string_view scope = {};  // what the caller's project may see, with one placeholder for it, instead of `project = ?`

  const ListColumn* find(std::string_view key) const;
};

struct ListSql {
  std::string text;
  db::Values values;
};

/// The statements of one list. A filter by a key that the table lacks, or by a value that is not of the column's type,
/// matches nothing. Sort keys must be in the table (asserted; run_list refuses others). `marker` are the values of the
/// marker's sort keys, as marker_sql gave them; empty without marker. Keyset paged: the cost of a page does not grow with
/// its number (an offset is for those who ask for it).
ListSql page_sql(const ListTable& table, const ListQuery& query, const db::Values& marker);
ListSql marker_sql(const ListTable& table, const ListQuery& query);
ListSql count_sql(const ListTable& table, const ListQuery& query);

struct ListedRows {
  db::Rows rows;                      // the columns of ListTable::select
  std::optional<std::int64_t> count;  // set when the query asked for it
};

/// Runs them. Refuses not_found when the marker is no row that this caller may list, invalid_input for a sort key that the
/// table lacks.
Result<ListedRows> run_list(db::Transaction& tx, const ListTable& table, const ListQuery& query);
/// The same as a read of its own.
Result<ListedRows> read_list(db::Database& database, const ListTable& table, const ListQuery& query);

}  // namespace scoria::store
