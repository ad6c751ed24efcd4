#include <errmsg.h>
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <mysql.h>
#include <mysqld_error.h>

#include <bit>
#include <charconv>

#include "base/failpoint.h"
#include "db/engines/mariadb/connection.h"

namespace scoria::db::mariadb {
namespace {

constexpr std::size_t most_keys = 64;  // in one statement
constexpr unsigned er_disk_full = 1021, er_error_on_write = 1026, er_record_changed = 1020, er_error_during_commit = 1180, er_read_only_mode = 1836,
                   er_constraint_failed = 4025, er_connection_killed = 1927, er_signal_refused = 1242, er_statement_timeout = 1969;

class Running {
 public:
  explicit Running(MYSQL_STMT* statement) : statement_(statement) {}
  ~Running() { mysql_stmt_free_result(statement_); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  MYSQL_STMT* statement_;
};

/// Parameters in the client library's form; the values must outlive it.
class Parameters {
 public:
  explicit Parameters(std::span<const Value> values) : numbers_(values.size()), lengths_(values.size()), binds_(values.size()) {
    for (std::size_t at = 0; at < values.size(); ++at) {
      MYSQL_BIND& bind = binds_[at] = {};
      const Value& value = values[at];
      if (value.null()) {
        bind.buffer_type = MYSQL_TYPE_NULL;
      } else if (value.is_text()) {
        bind.buffer_type = MYSQL_TYPE_STRING;
        bind.buffer = const_cast<char*>(value.text().data());
        bind.buffer_length = lengths_[at] = value.text().size();
        bind.length = &lengths_[at];
      } else {
        numbers_[at] = value.integer();
        bind.buffer_type = MYSQL_TYPE_LONGLONG;
        bind.buffer = &numbers_[at];
      }
    }
  }
  MYSQL_BIND* binds() { return binds_.data(); }

 private:
  std::vector<std::int64_t> numbers_;
  std::vector<unsigned long> lengths_;
  std::vector<MYSQL_BIND> binds_;
};

bool is_integer(enum_field_types type) {
  return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_INT24 || type == MYSQL_TYPE_LONGLONG;
}

/// One column of a result.
struct Column {
  bool integer = false, decimal = false;
  std::int64_t number = 0;
  std::vector<char> text;
  unsigned long length = 0;
  my_bool null = 0;

  void add_to(Rows& rows) const {
    if (null != 0) return rows.add_null();
    if (integer) return rows.add(number);
    const std::string_view content(text.data(), length);
    if (!decimal) return rows.add(content);
    // The sum of integers is a decimal: a number all the same unless it has a fraction.
    std::int64_t whole = 0;
    const auto [end, error] = std::from_chars(content.data(), content.data() + content.size(), whole);
    if (error == std::errc{} && end == content.data() + content.size()) return rows.add(whole);
    rows.add(content);
  }
};

MYSQL_BIND bind_of(Column& column, const MYSQL_FIELD& field) {
  MYSQL_BIND bind{};
  column.integer = is_integer(field.type);
  column.decimal = field.type == MYSQL_TYPE_NEWDECIMAL || field.type == MYSQL_TYPE_DECIMAL;
  bind.is_null = &column.null;
  bind.length = &column.length;
  if (column.integer) {
    bind.buffer_type = MYSQL_TYPE_LONGLONG;
    bind.buffer = &column.number;
    return bind;
  }
  column.text.resize(std::max<std::size_t>(field.max_length, 64) + 1);
  bind.buffer_type = MYSQL_TYPE_STRING;
  bind.buffer = column.text.data();
  bind.buffer_length = column.text.size();
  return bind;
}

/// Rows that an INSERT of several rows looked at: "Records: 3  Duplicates: 1  Warnings: 0"; -1 if it does not say.
std::int64_t records_in(const char* info) {
  constexpr std::string_view label = "Records: ";
  const std::string_view text = info != nullptr ? info : "";
  std::int64_t count = -1;
  if (text.starts_with(label)) std::from_chars(text.data() + label.size(), text.data() + text.size(), count);
  return count;
}

/// "… for key 'thing.name'" or "CONSTRAINT `x` failed …": what stands in the last, or first, quotes.
std::string constraint_of(unsigned code, const std::string& text) {
  if (code == ER_DUP_ENTRY) {
    const std::size_t end = text.rfind('\''), start = text.rfind('\'', end - 1);
    return end == text.npos || start == text.npos ? "unique" : text.substr(start + 1, end - start - 1);
  }
  const std::size_t start = text.find_first_of("`'\""), end = start == text.npos ? text.npos : text.find(text[start], start + 1);
  return end == text.npos ? "constraint" : text.substr(start + 1, end - start - 1);
}

std::string marks(std::size_t count, std::string_view one) {
  std::string out(one);
  for (std::size_t at = 1; at < count; ++at) out.append(", ").append(one);
  return out;
}

}  // namespace

Outcome Connection::run(std::string_view sql, const Values& values) {
  auto found = plans_.find(sql);
  if (found == plans_.end()) found = plans_.emplace(std::string(sql), plan(sql)).first;
  return run_plan(found->second, values, sql);
}

Outcome Connection::run_plan(const Plan& plan, const Values& values, std::string_view sql) {
  if (plan.parameters != values.size()) throw Error(fmt::format("{} values for: {}", values.size(), sql));
  if (plan.kind == Plan::Kind::update_returning) return update_returning(plan, values);
  Outcome out = execute(plan.text, values);
  if (plan.kind == Plan::Kind::insert_or_not && mysql_warning_count(handle_) > 0) require_duplicates_only(plan.text);
  if (plan.kind == Plan::Kind::upsert) {
    // A changed row counts twice, one that has its values already once.
    const std::int64_t records = records_in(mysql_info(handle_));
    out.touched = records >= 0 ? records : std::min<std::int64_t>(out.touched, 1);
  }
  return out;
}

Outcome Connection::update_returning(const Plan& plan, const Values& values) {
  const auto found_at = values.begin() + static_cast<std::ptrdiff_t>(plan.find_first ? 0 : plan.set_parameters);
  const auto set_at = values.begin() + static_cast<std::ptrdiff_t>(plan.find_first ? plan.find_parameters : 0);
  const auto rest = values.begin() + static_cast<std::ptrdiff_t>(plan.find_parameters + plan.set_parameters);
  const std::vector<std::string> keys = plan.key.empty() ? shared_.keys(*this, plan.table) : std::vector{plan.key};
  const std::string names = fmt::format("{}", fmt::join(keys, ", "));
  std::string find = plan.text;
  if (const std::size_t at = find.find("{keys}"); at != find.npos) find.replace(at, 6, names);
  const Rows rows = execute(find, Values(found_at, found_at + static_cast<std::ptrdiff_t>(plan.find_parameters))).rows;
  Outcome out;
  const std::string one = keys.size() == 1 ? "?" : "(" + marks(keys.size(), "?") + ")";
  for (std::size_t first = 0; first < rows.size(); first += most_keys) {
    // The last key stands again where a round number of them is not reached: few statements to prepare.
    const std::size_t count = std::bit_ceil(std::min(most_keys, rows.size() - first));
    Values at;
    for (std::size_t row = first; row < first + count; ++row)
      for (std::size_t column = 0; column < keys.size(); ++column) at.push_back(rows.at(std::min(row, rows.size() - 1), column));
    const std::string where = fmt::format(" WHERE {} IN ({})", keys.size() == 1 ? names : "(" + names + ")", marks(count, one));
    Values changes(set_at, set_at + static_cast<std::ptrdiff_t>(plan.set_parameters));
    changes.insert(changes.end(), at.begin(), at.end());
    out.touched += execute(fmt::format("UPDATE {} SET {}{}", plan.target, plan.set, where), changes).touched;
    Values asked(rest, values.end());
    asked.insert(asked.end(), at.begin(), at.end());
    const Rows changed = execute(fmt::format("SELECT {} FROM {}{}", plan.returning, plan.target, where), asked).rows;
    if (first == 0) out.rows = Rows(changed.columns());
    for (std::size_t row = 0; row < changed.size(); ++row)
      for (std::size_t column = 0; column < changed.columns(); ++column) out.rows.add(changed.at(row, column));
  }
  return out;
}

st_mysql_stmt* Connection::prepare(const std::string& text) {
  if (const auto found = statements_.find(text); found != statements_.end()) return found->second;
  MYSQL_STMT* statement = mysql_stmt_init(handle_);
  if (statement == nullptr) throw Error("out of memory");
  const my_bool yes = 1;
  mysql_stmt_attr_set(statement, STMT_ATTR_UPDATE_MAX_LENGTH, &yes);
  ++shared_.round_trips;
  if (mysql_stmt_prepare(statement, text.data(), text.size()) != 0) {
    const unsigned code = mysql_stmt_errno(statement);
    const std::string why = mysql_stmt_error(statement);
    mysql_stmt_close(statement);
    raise(code, why, text, false);
  }
  return statements_.emplace(text, statement).first->second;
}

Outcome Connection::execute(const std::string& text, std::span<const Value> values) {
  if (lost_) throw Rerun("the database connection is lost");
  MYSQL_STMT* statement = prepare(text);
  if (mysql_stmt_param_count(statement) != values.size()) throw Error(fmt::format("{} values for: {}", values.size(), text));
  Parameters parameters(values);
  const Running running(statement);
  ++shared_.round_trips;
  const bool done = (values.empty() || mysql_stmt_bind_param(statement, parameters.binds()) == 0) && mysql_stmt_execute(statement) == 0 &&
                    (mysql_stmt_field_count(statement) == 0 || mysql_stmt_store_result(statement) == 0);
  if (!done) {
    const unsigned code = mysql_stmt_errno(statement);
    if (code == er_signal_refused) return {};  // DO UPDATE … WHERE: not so
    raise(code, mysql_stmt_error(statement), text, false);
  }
  last_answer_ = clock_.now();
  Outcome out;
  if (mysql_stmt_field_count(statement) > 0) {
    out.rows = fetch(statement);
    out.touched = static_cast<std::int64_t>(out.rows.size());
  } else {
    out.touched = static_cast<std::int64_t>(mysql_stmt_affected_rows(statement));
  }
  return out;
}

Rows Connection::fetch(st_mysql_stmt* statement) {
  MYSQL_RES* description = mysql_stmt_result_metadata(statement);
  if (description == nullptr) throw Error(mysql_stmt_error(statement));
  const std::size_t count = mysql_num_fields(description);
  std::vector<Column> columns(count);
  std::vector<MYSQL_BIND> binds;
  for (std::size_t at = 0; at < count; ++at) binds.push_back(bind_of(columns[at], *mysql_fetch_field_direct(description, static_cast<unsigned>(at))));
  mysql_free_result(description);
  if (mysql_stmt_bind_result(statement, binds.data()) != 0) throw Error(mysql_stmt_error(statement));
  Rows rows(count);
  rows.reserve(mysql_stmt_num_rows(statement));
  int state = 0;
  while ((state = mysql_stmt_fetch(statement)) == 0)
    for (const Column& column : columns) column.add_to(rows);
  if (state != MYSQL_NO_DATA) throw Error(fmt::format("a result that does not fit its description: {}", mysql_stmt_error(statement)));
  return rows;
}

void Connection::require_duplicates_only(const std::string& text) {
  constexpr std::string_view show = "SHOW WARNINGS";
  ++shared_.round_trips;
  MYSQL_RES* rows = mysql_real_query(handle_, show.data(), show.size()) == 0 ? mysql_store_result(handle_) : nullptr;
  if (rows == nullptr) raise(mysql_errno(handle_), mysql_error(handle_), text, false);
  Failure other;
  while (MYSQL_ROW row = mysql_fetch_row(rows)) {
    const auto code = static_cast<unsigned>(std::strtoul(row[1], nullptr, 10));
    if (code != ER_DUP_ENTRY) other = {code, row[2]};
  }
  mysql_free_result(rows);
  if (other.code != 0) raise(other.code, other.text, text, false);
}

void Connection::raise(unsigned code, const std::string& text, std::string_view sql, bool committing) {
  const std::string whole = fmt::format("{} (MariaDB {}): {}", text, code, sql.substr(0, 120));
  switch (code) {
    case ER_LOCK_DEADLOCK:  // Galera: a certification that failed, at COMMIT too
    case ER_LOCK_WAIT_TIMEOUT:
    case er_record_changed:
      throw Rerun(whole);
    case ER_NEED_REPREPARE:
    case CR_NEW_STMT_METADATA:
      forget_all();
      throw Rerun(whole);
    case ER_UNKNOWN_COM_ERROR:  // 1047: the Galera node has left its cluster
    case er_error_during_commit:
    case ER_OPTION_PREVENTS_STATEMENT:  // a primary that became a replica
    case er_read_only_mode:
    case er_connection_killed:
    case ER_SERVER_SHUTDOWN:
    case ER_QUERY_INTERRUPTED:
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_MALFORMED_PACKET:  // the schema has changed since the statement was prepared: what follows on this connection is in doubt
      lost_ = true;
      if (committing) throw Error(whole, true);
      throw Rerun(whole);
    case ER_DUP_ENTRY:
    case ER_DUP_KEY:
      throw ConstraintError(whole, true, constraint_of(ER_DUP_ENTRY, text));
    case er_constraint_failed:
    case ER_BAD_NULL_ERROR:
    case ER_NO_DEFAULT_FOR_FIELD:
    case ER_NO_REFERENCED_ROW_2:
    case ER_ROW_IS_REFERENCED_2:
    case ER_DATA_TOO_LONG:
    case ER_WARN_DATA_OUT_OF_RANGE:
      throw ConstraintError(whole, false, constraint_of(code, text));
    default: break;
  }
  const bool full = code == ER_RECORD_FILE_FULL || code == er_disk_full || code == er_error_on_write || text.find("No space left") != std::string::npos ||
                    text.find("error 28") != std::string::npos;
  if (committing) lost_ = true;
  throw Error(whole, committing, full);
}

}  // namespace scoria::db::mariadb
