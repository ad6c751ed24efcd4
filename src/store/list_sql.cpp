#include "store/list_sql.h"

#include <charconv>

#include "base/check.h"
#include "base/text.h"
#include "base/time.h"
#include "db/values.h"

namespace scoria::store {
namespace {

using Test = ListFilter::Test;
using Type = ListColumn::Type;

constexpr std::string_view never_true = "0 = 1";

/// The value as the column stores it; nothing when the text is no such value.
std::optional<db::Value> stored(const ListColumn& column, const std::string& text) {
  switch (column.type) {
    case Type::text: return db::Value(text);
    case Type::integer: {
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
      return db::Value(number);
    }
    case Type::flag: {
      const std::string word = lower_case(text);
      if (word == "true" || word == "1") return db::Value(true);
      if (word == "false" || word == "0") return db::Value(false);
      return std::nullopt;
    }
    case Type::time: {
      Timestamp time;
      if (!parse_time(text, time)) return std::nullopt;
      return db::Value(time);
    }
    case Type::entries: return std::nullopt;
  }
  return std::nullopt;
}

std::string_view operator_of(Test test) {
  switch (test) {
    case Test::equal: return "=";
    case Test::not_equal: return "<>";
    case Test::less: return "<";
    case Test::less_or_equal: return "<=";
    case Test::greater: return ">";
    case Test::greater_or_equal: return ">=";
    case Test::one_of:
    case Test::contains:
    case Test::has_entries: break;
  }
  SCORIA_CHECK(false, "a test without an operator");
}

/// `abc%d` -> `%abc\%d%`, for LIKE … ESCAPE '\'
std::string like_pattern(std::string_view part) {
  std::string out = "%";
  for (const char c : part) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + "%";
}

bool owned(const ListTable& table, const ListQuery& query) { return !query.project_id.empty() && !table.project.empty() && table.scope.empty(); }

/// The text of conditions and their values grow together.
class Conditions {
 public:
  /// `by_range`: who makes them says which project's.
  Conditions(const ListTable& table, const ListQuery& query, bool by_range = false) {
    if (!table.where.empty()) add(table.where);
    if (!query.project_id.empty() && !table.scope.empty()) add(table.scope, {query.project_id});
    else if (owned(table, query) && !by_range) add(fmt::format("{} = ?", table.project), {query.project_id});
    if (query.nothing) add(never_true);
  }

  void add(std::string_view condition, db::Values values = {}) {
    text_ += text_.empty() ? " WHERE " : " AND ";
    text_ += condition;
    for (db::Value& value : values) values_.push_back(std::move(value));
  }
  const std::string& text() const { return text_; }
  db::Values& values() { return values_; }

  void add_filter(const ListTable& table, const ListFilter& filter) {
    const ListColumn* column = table.find(filter.key);
    if (column == nullptr || (column->type == Type::entries) != (filter.test == Test::has_entries)) return add(never_true);
    if (filter.test == Test::has_entries) {
      for (const auto& [key, value] : filter.entries) add(column->sql, {key, value});
    } else if (filter.test == Test::one_of) {
      add_one_of(*column, filter);
    } else if (!filter.values.at(0)) {
      add(fmt::format("{} IS NULL", column->sql));
    } else if (filter.test == Test::contains) {
      if (column->type != Type::text) return add(never_true);
      add(fmt::format("LOWER({}) LIKE LOWER(?) ESCAPE '\\'", column->sql), {like_pattern(*filter.values[0])});
    } else {
      std::optional<db::Value> value = stored(*column, *filter.values[0]);
      if (!value) return add(never_true);
      add(fmt::format("{} {} ?", column->sql, operator_of(filter.test)), {std::move(*value)});
    }
  }

 private:
  void add_one_of(const ListColumn& column, const ListFilter& filter) {
    std::vector<std::string> texts;
    std::vector<std::int64_t> numbers;
    bool or_null = false;
    for (const std::optional<std::string>& text : filter.values) {
      or_null = or_null || !text;
      const std::optional<db::Value> value = text ? stored(column, *text) : std::nullopt;
      if (!value) continue;
      if (column.type == Type::text) texts.push_back(value->text());
      else numbers.push_back(value->integer());
    }
    const bool as_text = column.type == Type::text;
    std::string condition = fmt::format("{{{}:{}:?}}", as_text ? "in" : "in_numbers", column.sql);
    if (or_null) condition = fmt::format("({} OR {} IS NULL)", condition, column.sql);
    add(condition, {as_text ? db::list_of(texts) : db::list_of(numbers)});
  }

  std::string text_;
  db::Values values_;
};

const ListColumn& sort_column(const ListTable& table, const SortKey& key) {
  const ListColumn* column = table.find(key.key);
  SCORIA_CHECK(column != nullptr && column->type != Type::entries, "a sort key that the list's table does not have");
  return *column;
}

/// True when one row comparison says the same as the nested one, and lets an index find the page's begin.
bool plain_order(const ListTable& table, const ListQuery& query) {
  for (const SortKey& key : query.sort) {
    if (key.ascending != query.sort.front().ascending || sort_column(table, key).nullable) return false;
  }
  return true;
}

/// A page of one project in the order of the index that begins with the project: read from that index, whatever a planner
/// knows. It makes the plan once for all projects; told `project = ?`, it may walk the index of everybody's rows, which is
/// good for the project that has most of them and bad for all others. A range cannot be left out of the order.
bool by_project(const ListTable& table, const ListQuery& query) {
  return owned(table, query) && plain_order(table, query) && query.sort.front().key == "created_at";
}

/// Each end of the range once, or SQLite does not begin at the marker: with one, its row comparison is the near end.
void add_project_range(Conditions& conditions, const ListTable& table, const ListQuery& query, bool marked) {
  const bool ascending = query.sort.front().ascending;
  conditions.add(fmt::format("{} {} ?", table.project, ascending ? "<=" : ">="), {query.project_id});
  if (!marked) conditions.add(fmt::format("{} {} ?", table.project, ascending ? ">=" : "<="), {query.project_id});
}

void add_row_comparison(Conditions& conditions, const ListTable& table, const ListQuery& query, db::Values marker) {
  std::string columns;
  std::string marks;
  if (by_project(table, query)) {
    columns = table.project, marks = '?';
    marker.insert(marker.begin(), query.project_id);
  }
  for (const SortKey& key : query.sort) {
    if (!columns.empty()) columns += ", ", marks += ", ";
    columns += sort_column(table, key).sql;
    marks += '?';
  }
  conditions.add(fmt::format("({}) {} ({})", columns, query.sort.front().ascending ? ">" : "<", marks), std::move(marker));
}

/// Appends "column comes after the marker's value"; false when nothing can. Unset is the smallest.
bool add_after(std::string& text, db::Values& values, const ListColumn& column, bool ascending, const db::Value& marker) {
  if (marker.null()) {
    if (!ascending) return false;
    text += fmt::format("{} IS NOT NULL", column.sql);
    return true;
  }
  values.push_back(marker);
  if (ascending) text += fmt::format("{} > ?", column.sql);
  else if (column.nullable) text += fmt::format("({} < ? OR {} IS NULL)", column.sql, column.sql);
  else text += fmt::format("{} < ?", column.sql);
  return true;
}

/// (a after) OR (a same AND b after) OR (a same AND b same AND c after) …
void add_nested_comparison(Conditions& conditions, const ListTable& table, const ListQuery& query, const db::Values& marker) {
  const SortKey& first = query.sort.front();
  if (const ListColumn& column = sort_column(table, first); !column.nullable) {  // says nothing new, but an index can begin there
    conditions.add(fmt::format("{} {} ?", column.sql, first.ascending ? ">=" : "<="), {marker[0]});
  }
  std::string whole;
  db::Values values;
  std::string same;
  db::Values same_values;
  for (std::size_t at = 0; at < query.sort.size(); ++at) {
    const ListColumn& column = sort_column(table, query.sort[at]);
    std::string after;
    db::Values after_values;
    if (add_after(after, after_values, column, query.sort[at].ascending, marker[at])) {
      if (!whole.empty()) whole += " OR ";
      whole += fmt::format("({}{})", same, after);
      values.insert(values.end(), same_values.begin(), same_values.end());
      values.insert(values.end(), after_values.begin(), after_values.end());
    }
    same += marker[at].null() ? fmt::format("{} IS NULL AND ", column.sql) : fmt::format("{} = ? AND ", column.sql);
    if (!marker[at].null()) same_values.push_back(marker[at]);
  }
  conditions.add(fmt::format("({})", whole), std::move(values));
}

std::string order_by(const ListTable& table, const ListQuery& query) {
  std::string out;
  if (by_project(table, query)) out = fmt::format(" ORDER BY {} {}", table.project, query.sort.front().ascending ? "ASC" : "DESC");
  for (const SortKey& key : query.sort) {
    const ListColumn& column = sort_column(table, key);
    out += fmt::format("{}{} {}", out.empty() ? " ORDER BY " : ", ", column.sql, key.ascending ? "ASC" : "DESC");
    // Only where it matters: an index is not used for an order of unset values that is not its own.
    if (column.nullable) out += key.ascending ? " NULLS FIRST" : " NULLS LAST";
  }
  return out;
}

Conditions filtered(const ListTable& table, const ListQuery& query, bool by_range = false) {
  Conditions out(table, query, by_range);
  for (const ListFilter& filter : query.filters) out.add_filter(table, filter);
  return out;
}

}  // namespace

const ListColumn* ListTable::find(std::string_view key) const {
  for (const ListColumn& column : columns) {
    if (column.key == key) return &column;
  }
  return nullptr;
}

ListSql page_sql(const ListTable& table, const ListQuery& query, const db::Values& marker) {
  const bool by_range = by_project(table, query);
  Conditions conditions = filtered(table, query, by_range);
  if (by_range) add_project_range(conditions, table, query, !marker.empty());
  if (!marker.empty()) {
    if (plain_order(table, query)) add_row_comparison(conditions, table, query, marker);
    else add_nested_comparison(conditions, table, query, marker);
  }
  ListSql out{fmt::format("SELECT {} FROM {}{}{} LIMIT ?", table.select, table.from, conditions.text(), order_by(table, query)),
              std::move(conditions.values())};
  out.values.emplace_back(query.limit);
  if (query.offset > 0) {
    out.text += " OFFSET ?";
    out.values.emplace_back(query.offset);
  }
  return out;
}

ListSql marker_sql(const ListTable& table, const ListQuery& query) {
  ListQuery scope;
  scope.project_id = query.project_id;
  Conditions conditions(table, scope);
  conditions.add(fmt::format("{} = ?", table.id), {query.marker});
  std::string columns;
  for (const SortKey& key : query.sort) columns += fmt::format("{}{}", columns.empty() ? "" : ", ", sort_column(table, key).sql);
  return {fmt::format("SELECT {} FROM {}{}", columns, table.from, conditions.text()), std::move(conditions.values())};
}

ListSql count_sql(const ListTable& table, const ListQuery& query) {
  Conditions conditions = filtered(table, query);
  return {fmt::format("SELECT COUNT(*) FROM {}{}", table.from, conditions.text()), std::move(conditions.values())};
}

Result<ListedRows> run_list(db::Transaction& tx, const ListTable& table, const ListQuery& query) {
  SCORIA_CHECK(!query.sort.empty() && query.sort.back().key == "id", "a list without a total order");
  for (const SortKey& key : query.sort) {
    const ListColumn* column = table.find(key.key);
    if (column == nullptr || column->type == Type::entries) {
      return refuse(RefusalCode::invalid_input, "'{}' is no key that this list can be sorted by.", key.key);
    }
  }
  db::Values marker;
  if (!query.marker.empty()) {
    const ListSql sql = marker_sql(table, query);
    const db::Rows rows = tx.query(sql.text, sql.values);
    if (rows.empty()) return refuse(RefusalCode::not_found, "{} {} could not be found.", table.noun, query.marker);
    for (std::size_t column = 0; column < rows.columns(); ++column) marker.push_back(rows.at(0, column));
  }
  ListedRows out;
  const ListSql page = page_sql(table, query, marker);
  out.rows = tx.query(page.text, page.values);
  if (query.with_count) {
    const ListSql sql = count_sql(table, query);
    out.count = tx.query(sql.text, sql.values).at(0, 0).integer();
  }
  return out;
}

}  // namespace scoria::store
