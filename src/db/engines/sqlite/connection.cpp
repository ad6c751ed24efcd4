#include "db/engines/sqlite/connection.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include "base/check.h"
#include "db/dialect.h"
#include "db/values.h"

namespace scoria::db::sqlite {
namespace {

constexpr std::size_t max_prepared = 400;

/// Resets a statement however its run ends: an unfinished one would hold its snapshot and block checkpoints.
class Running {
 public:
  explicit Running(sqlite3_stmt* statement) : statement_(statement) {}
  ~Running() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  sqlite3_stmt* statement_;
};

int bind(sqlite3_stmt* statement, int at, const Value& value) {
  if (value.null()) return sqlite3_bind_null(statement, at);
  if (!value.is_text()) return sqlite3_bind_int64(statement, at, value.integer());
  // Not copied: the values outlive the run, and the bindings are cleared at its end.
  return sqlite3_bind_text64(statement, at, value.text().data(), value.text().size(), SQLITE_STATIC, SQLITE_UTF8);
}

void append_row(sqlite3_stmt* statement, int columns, Rows& rows) {
  for (int at = 0; at < columns; ++at) {
    sqlite3_value* value = sqlite3_column_value(statement, at);
    const int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL) {
      rows.add_null();
    } else if (type == SQLITE_INTEGER) {
      rows.add(std::int64_t{sqlite3_value_int64(value)});
    } else {
      const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
      rows.add(std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value))));
    }
  }
}

void answer_now(sqlite3_context* context, int, sqlite3_value**) {
  const auto* now = static_cast<const std::function<Timestamp()>*>(sqlite3_user_data(context));
  sqlite3_result_int64(context, (*now)().micros);
}

}  // namespace

Connection::Connection(ConnectionOptions options) : options_(std::move(options)) {
  const int access = options_.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  const int opened = sqlite3_open_v2(options_.path.c_str(), &handle_, access | SQLITE_OPEN_NOMUTEX, nullptr);
  if (opened != SQLITE_OK) {
    const std::string why = handle_ != nullptr ? sqlite3_errmsg(handle_) : "out of memory";
    sqlite3_close(handle_);
    throw Error(fmt::format("cannot open the database file {}: {}", options_.path, why));
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, 10'000);  // before anything else: the next statements already need it
  sqlite3_create_function_v2(handle_, "scoria_now", 0, SQLITE_UTF8, const_cast<std::function<Timestamp()>*>(&options_.now),
                             answer_now, nullptr, nullptr, nullptr);
  try {
    if (!options_.read_only) run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    run("PRAGMA foreign_keys=ON");
    run("PRAGMA temp_store=MEMORY");
    run("PRAGMA cache_size=-8000");  // KiB
    if (options_.max_pages > 0) run(fmt::format("PRAGMA max_page_count={}", options_.max_pages));
  } catch (const Error& error) {
    for (const auto& [sql, prepared] : statements_) sqlite3_finalize(prepared.statement);
    sqlite3_close(handle_);
    throw Error(fmt::format("cannot use the database file {}: {}", options_.path, error.what()));
  }
}

Connection::~Connection() {
  for (const auto& [sql, prepared] : statements_) sqlite3_finalize(prepared.statement);
  sqlite3_close(handle_);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

void Connection::roll_back() {
  if (in_transaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

sqlite3_stmt* Connection::prepare(std::string_view sql) {
  if (const auto found = statements_.find(sql); found != statements_.end()) {
    recent_.splice(recent_.begin(), recent_, found->second.used);
    return found->second.statement;
  }
  const std::string text = translate(Engine::sqlite, sql);
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  if (sqlite3_prepare_v3(handle_, text.c_str(), static_cast<int>(text.size() + 1), SQLITE_PREPARE_PERSISTENT, &statement, &rest) != SQLITE_OK)
    fail(sql);
  SCORIA_CHECK(statement != nullptr && std::string_view(rest).find_first_not_of(" \n\t;") == std::string_view::npos,
               "SQL that is not exactly one statement");
  if (statements_.size() >= max_prepared) {
    const auto oldest = statements_.find(recent_.back());
    recent_.pop_back();
    sqlite3_finalize(oldest->second.statement);
    statements_.erase(oldest);
  }
  const auto added = statements_.emplace(std::string(sql), Prepared{statement, {}}).first;
  recent_.push_front(added->first);
  added->second.used = recent_.begin();
  return statement;
}

Connection::Outcome Connection::run(std::string_view sql, const Values& values, bool reading) {
  require_storable(values);
  sqlite3_stmt* statement = prepare(sql);
  const Running running(statement);
  if (reading && sqlite3_stmt_readonly(statement) == 0) throw Error(fmt::format("a read may not write: {}", sql));
  if (sqlite3_bind_parameter_count(statement) != static_cast<int>(values.size()))
    throw Error(fmt::format("{} values for: {}", values.size(), sql));
  for (std::size_t at = 0; at < values.size(); ++at)
    if (bind(statement, static_cast<int>(at) + 1, values[at]) != SQLITE_OK) fail(sql);

  const std::int64_t before = sqlite3_total_changes64(handle_);
  const int columns = sqlite3_column_count(statement);
  Rows rows(static_cast<std::size_t>(columns));
  int step = SQLITE_ROW;
  while ((step = sqlite3_step(statement)) == SQLITE_ROW) append_row(statement, columns, rows);
  if (step != SQLITE_DONE) fail(sql);
  // total_changes tells whether this statement changed anything at all: changes() alone would still tell the last one's.
  const bool changed = sqlite3_total_changes64(handle_) != before;
  return {std::move(rows), changed ? sqlite3_changes64(handle_) : 0};
}

void Connection::fail(std::string_view sql) {
  const int code = sqlite3_extended_errcode(handle_);
  no_room_ = (code & 0xff) == SQLITE_FULL;
  const std::string why = sqlite3_errmsg(handle_);
  const std::string text = fmt::format("{} (SQLite {}): {}", why, code, sql.substr(0, 120));
  if ((code & 0xff) == SQLITE_CONSTRAINT) {
    const bool unique = code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID;
    const auto colon = why.find(": ");
    throw ConstraintError(text, unique, colon == std::string::npos ? "" : why.substr(colon + 2));
  }
  // A COMMIT whose flush failed may still be found by the recovery of the next start.
  const bool unknown = (code & 0xff) == SQLITE_IOERR && sql == "COMMIT";
  throw Error(text, unknown, no_room_);
}

void Statements::require_sound() const {
  if (!sound_) throw Error("a statement of this transaction failed before");
}

Connection::Outcome Statements::execute(std::string_view sql, const Values& values) {
  require_sound();
  SCORIA_CHECK(mode_ != Mode::read_one || !std::exchange(asked_, true), "a second statement in a read of one");
  sound_ = false;
  Connection::Outcome outcome = connection_.run(sql, values, mode_ != Mode::write);
  sound_ = true;
  return outcome;
}

void Statements::run(std::string_view sql, Values values) { execute(sql, values); }

void Statements::guard(std::string_view label, std::string_view sql, Values values) {
  if (execute(sql, values).touched == 1) return;
  sound_ = false;
  throw GuardFailed(std::string(label));
}

std::int64_t Statements::change(std::string_view sql, Values values) { return execute(sql, values).touched; }

Rows Statements::query(std::string_view sql, Values values) { return execute(sql, values).rows; }

}  // namespace scoria::db::sqlite
