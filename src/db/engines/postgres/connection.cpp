#include "db/engines/postgres/connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/check.h"
#include "base/failpoint.h"
#include "db/dialect.h"
#include "db/values.h"
#include "observe/log.h"

namespace scoria::db::postgres {
namespace {

constexpr Oid oid_bool = 16, oid_int8 = 20, oid_int2 = 21, oid_int4 = 23, oid_text = 25, oid_oid = 26, oid_numeric = 1700;
constexpr std::size_t max_prepared = 400;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ClearResult>;

std::string field(const PGresult* result, int which) {
  const char* text = PQresultErrorField(result, which);
  return text != nullptr ? text : "";
}

bool is_number(Oid type) {
  // sum() over bigint is numeric: a number all the same unless it has a fraction.
  return type == oid_int8 || type == oid_int4 || type == oid_int2 || type == oid_oid || type == oid_numeric;
}

Cell decoded(std::string_view text, Oid type) {
  if (type == oid_bool) return {Cell::Kind::number, text == "t", {}};
  if (is_number(type)) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) return {Cell::Kind::number, number, {}};
  }
  return {Cell::Kind::text, 0, text};
}

/// libpq's own copy of the rows is the only one.
class ResultRows final : public Rows::Answer {
 public:
  explicit ResultRows(ResultHandle result) : result_(std::move(result)), rows_(PQntuples(result_.get())), columns_(PQnfields(result_.get())) {
    for (int column = 0; column < columns_; ++column) types_.push_back(PQftype(result_.get(), column));
  }
  std::size_t rows() const override { return static_cast<std::size_t>(rows_); }
  std::size_t columns() const override { return static_cast<std::size_t>(columns_); }
  Cell at(std::size_t wanted_row, std::size_t wanted_column) const override {
    SCORIA_CHECK(wanted_row < rows() && wanted_column < columns(), "a cell that is not in the answer");
    const int row = static_cast<int>(wanted_row), column = static_cast<int>(wanted_column);
    const auto length = static_cast<std::size_t>(PQgetlength(result_.get(), row, column));
    if (length == 0 && PQgetisnull(result_.get(), row, column) != 0) return {Cell::Kind::null, 0, {}};
    return decoded({PQgetvalue(result_.get(), row, column), length}, types_[wanted_column]);
  }

 private:
  const ResultHandle result_;
  const int rows_, columns_;
  std::vector<Oid> types_;
};

Outcome outcome_of(ResultHandle result) {
  std::int64_t touched = 0;
  const std::string_view told = PQcmdTuples(result.get());
  std::from_chars(told.data(), told.data() + told.size(), touched);
  if (PQntuples(result.get()) == 0) return {Rows(static_cast<std::size_t>(PQnfields(result.get()))), touched};
  return {Rows(std::make_shared<const ResultRows>(std::move(result))), touched};
}

/// libpq's last message without its line ends and its guesses.
std::string complaint(const PGconn* handle) {
  const std::string_view text = PQerrorMessage(handle);
  return std::string(text.substr(0, text.find('\n')));
}

char type_of(const Value& value) { return value.null() ? '?' : value.is_text() ? 't' : 'i'; }

/// Parameters in libpq's form: text, with a null pointer for null.
class Parameters {
 public:
  explicit Parameters(const Values& values) {
    numbers_.reserve(values.size());
    for (const Value& value : values) {
      if (!value.null() && !value.is_text()) numbers_.emplace_back(fmt::format_int(value.integer()).str());
      pointers_.push_back(value.null() ? nullptr : value.is_text() ? value.text().c_str() : numbers_.back().c_str());
    }
  }
  const char* const* data() const { return pointers_.data(); }
  int size() const { return static_cast<int>(pointers_.size()); }

 private:
  std::vector<std::string> numbers_;
  std::vector<const char*> pointers_;
};

using Parts = std::vector<std::string>;

Parts parts_of(std::string_view list) {
  Parts out;
  while (true) {
    const std::size_t comma = list.find(',');
    out.emplace_back(list.substr(0, comma));
    if (comma == list.npos) return out;
    list.remove_prefix(comma + 1);
  }
}

/// libpq's keywords: ours only where the connection string does not say.
class Keywords {
 public:
  Keywords(const PostgresOptions& options, std::string_view extra) {
    char* problem = nullptr;
    PQconninfoOption* parsed = PQconninfoParse(options.connection.c_str(), &problem);
    if (parsed == nullptr) {
      const std::string text = problem != nullptr ? problem : "out of memory";
      PQfreemem(problem);
      throw Error("the database's connection string is wrong: " + text);
    }
    for (const PQconninfoOption* one = parsed; one->keyword != nullptr; ++one)
      if (one->val != nullptr) values_[one->keyword] = one->val;
    PQconninfoFree(parsed);
    hosts_ = std::max({parts_at("host").size(), parts_at("hostaddr").size(), std::size_t{1}});
    if (const std::size_t ports = parts_at("port").size(); ports > 1 && ports != hosts_)
      throw Error(fmt::format("the database's connection string is wrong: {} ports for {} hosts", ports, hosts_));
    // All hosts together, as far as libpq's least of 2 s for each allows: the others are not to wait for one that is silent.
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options.connect_timeout).count() / static_cast<std::int64_t>(hosts_);
    values_.try_emplace("connect_timeout", std::to_string(std::max<std::int64_t>(seconds, 2)));
    // Of several hosts only the primary is of use.
    if (hosts_ > 1) values_.try_emplace("target_session_attrs", "primary");
    values_.try_emplace("tcp_user_timeout", "10000");
    values_.try_emplace("keepalives_idle", "5");
    values_.try_emplace("keepalives_interval", "2");
    values_.try_emplace("keepalives_count", "3");
    values_.try_emplace("fallback_application_name", "scoria");
    values_["client_encoding"] = "UTF8";
    // Our sessions are read-only until a BEGIN says otherwise, so libpq would call every server read-only.
    if (const auto wanted = values_.find("target_session_attrs"); wanted != values_.end() && wanted->second == "read-write") wanted->second = "primary";
    // A statement is planned once: its plan for every value, as good for small projects as for large, is the one that indexes
    // were made for; to plan a list each time would cost as much as to run it. That plan is made while tables are young, or just
    // emptied, and must serve when they are full, or full of what is gone: never by reading all of a table that has an index for it.
    // Transactions are the server's implicit ones, where they can be, and so run at the session's defaults (use_to()).
    values_["options"] += fmt::format(
        " -c statement_timeout={} -c idle_in_transaction_session_timeout={} -c default_transaction_isolation=read\\ committed"
        " -c default_transaction_read_only=off -c standard_conforming_strings=on -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off {}",
        options.statement_timeout.count() / 1000, options.idle_in_transaction_timeout.count() / 1000, extra);
  }

  std::size_t hosts() const { return hosts_; }
  /// To that one of the hosts alone: libpq goes on to the next only if nobody accepts, not if a relay does that ends it again.
  PGconn* connect_to(std::size_t host) const {
    auto values = values_;
    for (const char* name : {"host", "hostaddr", "port"})
      if (const Parts parts = parts_at(name); parts.size() > 1) values[name] = parts.at(host);
    std::vector<const char*> names, texts;
    for (const auto& [name, value] : values) names.push_back(name.c_str()), texts.push_back(value.c_str());
    names.push_back(nullptr), texts.push_back(nullptr);
    return PQconnectdbParams(names.data(), texts.data(), 0);
  }

 private:
  Parts parts_at(const std::string& name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? Parts{} : parts_of(found->second);
  }

  std::size_t hosts_ = 1;
  std::map<std::string, std::string> values_;
};

}  // namespace

Connection::Connection(Clock& clock, const PostgresOptions& options, Shared& shared, std::string_view extra, std::size_t first)
    : clock_(clock), options_(options), shared_(shared) {
  const Keywords keywords(options, extra);
  hosts_ = keywords.hosts();
  std::string why;
  for (std::size_t i = 0; i < hosts_ && handle_ == nullptr; ++i) {
    host_ = (first + i) % hosts_;
    handle_ = keywords.connect_to(host_);
    if (PQstatus(handle_) == CONNECTION_OK && PQsetnonblocking(handle_, 1) == 0 && PQenterPipelineMode(handle_) == 1) break;
    why += (why.empty() ? "" : "; ") + complaint(handle_);
    PQfinish(std::exchange(handle_, nullptr));
  }
  if (handle_ == nullptr) throw Unreachable("cannot connect to the database: " + why);
  generation_ = shared_.host.exchange(host_) == host_ ? shared_.generation.load() : ++shared_.generation;
  PQsetNoticeReceiver(handle_, &Connection::take_notice, this);
}

Connection::~Connection() { PQfinish(handle_); }

void Connection::take_notice(void* self, const pg_result* notice) {
  if (field(notice, PG_DIAG_SEVERITY_NONLOCALIZED) == "WARNING") static_cast<Connection*>(self)->warned_ = true;
}

Prepared& Connection::prepare(std::string_view sql) {
  if (const auto found = plain_.find(sql); found != plain_.end()) return found->second;
  return plain_.emplace(std::string(sql), Prepared{translate(Engine::postgres, sql), {}, {}}).first->second;
}

Prepared& Connection::prepare_guard(std::string_view sql) {
  if (const auto found = guards_.find(sql); found != guards_.end()) return found->second;
  // Nobody looks at the count before COMMIT has left, so the server does, and skips the rest of the batch. Dividing by zero is
  // its cheapest way to fail: a function of ours that raises an error costs more than many an UPDATE.
  const std::string whole = fmt::format("WITH touched AS ({} RETURNING 1) SELECT 1 / CAST(count(*) = 1 AS INTEGER) FROM touched", sql);
  return guards_.emplace(std::string(sql), Prepared{translate(Engine::postgres, whole), {}, {}}).first->second;
}

void Connection::forget_some() {
  if (plain_.size() + guards_.size() <= max_prepared) return;
  send_only("DEALLOCATE ALL");
  plain_.clear();
  guards_.clear();
}

Outcome Connection::run(std::string_view sql, Values values) {
  const Statement one{&prepare(sql), std::move(values), {}};
  return exchange({&one, 1}, Ending::closed);
}

void Connection::use_to(Use use) {
  if (use == use_) return;
  send_only(use == Use::read ? "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                             : "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE");
  use_ = use;
}

Outcome Connection::exchange(std::span<const Statement> statements, Ending ending) {
  settle();
  for (const Statement& statement : statements) send(statement);
  end_sending(ending);
  Outcome last;
  receive(ending, [&](Outcome outcome) { last = std::move(outcome); });
  return last;
}

Answers Connection::exchange_each(std::span<const Statement* const> statements, Ending ending) {
  settle();
  for (const Statement* statement : statements) send(*statement);
  end_sending(ending);
  Answers answers;
  answers.outcomes.reserve(statements.size());
  try {
    receive(ending, [&](Outcome outcome) { answers.outcomes.push_back(std::move(outcome)); });
  } catch (const Error& error) {
    if (lost_ || error.commit_unknown) throw;
    answers.failure = std::current_exception();
  } catch (const GuardFailed&) {
    answers.failure = std::current_exception();
  }
  return answers;
}

void Connection::end_sending(Ending ending) {
  if ((ending == Ending::open ? PQsendFlushRequest(handle_) : PQpipelineSync(handle_)) != 1) lose(complaint(handle_));
  commit_sent_ = ending == Ending::commits;
  flush();
  ++shared_.round_trips;
  try {
    FAILPOINT("db.postgres.sent");
  } catch (const failpoint::Injected& injected) {
    lose(injected.what());
  }
}

void Connection::send(const Statement& statement) {
  Prepared& prepared = *statement.prepared;
  // A null goes with whatever type the parameter has; anything else must find the type it was prepared with.
  bool fits = !prepared.name.empty() && prepared.types.size() == statement.values.size();
  for (std::size_t at = 0; fits && at < statement.values.size(); ++at)
    fits = statement.values[at].null() || prepared.types[at] == type_of(statement.values[at]);
  if (!fits) send_prepare(prepared, statement.values, statement);
  const Parameters parameters(statement.values);
  if (PQsendQueryPrepared(handle_, prepared.name.c_str(), parameters.size(), parameters.data(), nullptr, nullptr, 0) != 1)
    lose(complaint(handle_));
  expected_.push_back({&statement, false});
}

void Connection::send_prepare(Prepared& prepared, const Values& values, const Statement& statement) {
  prepared.types.resize(values.size(), '?');
  std::vector<Oid> types;
  for (std::size_t at = 0; at < values.size(); ++at) {
    if (!values[at].null()) prepared.types[at] = type_of(values[at]);
    types.push_back(prepared.types[at] == 'i' ? oid_int8 : prepared.types[at] == 't' ? oid_text : 0);
  }
  prepared.name = fmt::format("s{}", ++names_);
  if (PQsendPrepare(handle_, prepared.name.c_str(), prepared.text.c_str(), static_cast<int>(types.size()), types.data()) != 1)
    lose(complaint(handle_));
  expected_.push_back({&statement, true});
}

void Connection::send_only(std::string_view sql) {
  settle();
  const Statement one{&prepare(sql), {}, {}};
  send(one);
  expected_.clear();
  close_batch();
}

void Connection::close_batch() {
  if (PQpipelineSync(handle_) != 1) lose(complaint(handle_));
  flush();
  ++owed_;
}

void Connection::settle() {
  if (lost_) throw Rerun("the database connection is lost");
  commit_sent_ = false;
  if (owed_ == 0) return;
  if (PQconsumeInput(handle_) != 1) lose(complaint(handle_));  // almost always there already
  for (; owed_ > 0; --owed_) read_to_sync();
}

bool Connection::usable() {
  // In constant use, it is looked at anyway.
  if (outdated()) lost_ = true;
  if (lost_ || clock_.now() - last_answer_ < std::chrono::milliseconds{500}) return !lost_;
  try {
    settle();
    pollfd waiting{PQsocket(handle_), POLLIN, 0};
    // Nobody speaks to an idle connection but a server that ends it.
    lost_ = ::poll(&waiting, 1, 0) > 0;
  } catch (const Error&) {
    lost_ = true;
  }
  return !lost_;
}

void Connection::wait_io(bool writing) {
  pollfd waiting{PQsocket(handle_), static_cast<short>(writing ? POLLIN | POLLOUT : POLLIN), 0};
  const Instant begun = clock_.now();
  const Duration limit = options_.statement_timeout + std::min<Duration>(options_.statement_timeout, 5s);
  const auto milliseconds = [](Duration time) { return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count()); };
  while (true) {
    const Duration waited = clock_.now() - begun;
    const int most = limit.count() > 0 ? std::max(milliseconds(limit - waited), 0) : -1;
    const int slice = hosts_ > 1 ? milliseconds(options_.doubt_after) / 4 : most;
    const int ready = ::poll(&waiting, 1, most < 0 ? slice : std::min(slice, most));
    if (ready > 0) break;
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0 || (most >= 0 && clock_.now() - begun >= limit)) lose("no answer in time");
    if (hosts_ > 1 && clock_.now() - begun >= options_.doubt_after) look_for_another_host();
    if (outdated()) lose("another host serves now");
  }
  if ((waiting.revents & POLLOUT) == 0 && PQconsumeInput(handle_) != 1) lose(complaint(handle_));
}

/// A machine that lost its power, or a relay in front of one, says nothing, and TCP needs ten seconds to notice. If the host after
/// ours is the primary now, all connections to ours are of no use; if ours lets us in again, it is only slow.
void Connection::look_for_another_host() {
  if (clock_.now().since_boot.count() < shared_.next_look || shared_.looking.exchange(true)) return;
  Duration pause = std::chrono::seconds{1};
  try {
    const Connection other(clock_, options_, shared_, "", (host_ + 1) % hosts_);
    pause = std::chrono::seconds{10};
  } catch (const Error& error) {
    log::debug("db", {}, "another database host: {}", error.what());
  }
  shared_.next_look = (clock_.now() + pause).since_boot.count();
  shared_.looking = false;
}

void Connection::flush() {
  // Never blocks in the middle of a batch: with both sides' buffers full we would wait for each other.
  int left = 0;
  while ((left = PQflush(handle_)) == 1) wait_io(true);
  if (left < 0) lose(complaint(handle_));
}

pg_result* Connection::next_result() {
  while (PQisBusy(handle_) != 0) wait_io(false);
  return PQgetResult(handle_);
}

/// What fails here fails at the commit of an implicit transaction.
void Connection::read_to_sync(std::optional<Failure>* failure) {
  static Prepared commit{"COMMIT", {}, {}};
  int silent = 0;
  while (true) {
    const ResultHandle result(next_result());
    if (result && PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) return;
    if (result && PQresultStatus(result.get()) == PGRES_FATAL_ERROR && failure != nullptr && !*failure && !field(result.get(), PG_DIAG_SQLSTATE).empty())
      *failure = failure_of(result.get(), {&commit, {}, {}});
    // One null stands between two answers; more mean that libpq expects nothing.
    silent = result ? 0 : silent + 1;
    if (silent > 2 || PQstatus(handle_) != CONNECTION_OK) lose(complaint(handle_));
  }
}

void Connection::receive(Ending ending, const std::function<void(Outcome)>& take) {
  const bool commits = ending == Ending::commits;
  std::optional<Failure> failure;
  for (const Expected& one : std::exchange(expected_, {})) {
    warned_ = false;
    ResultHandle result(next_result());
    const ExecStatusType status = PQresultStatus(result.get());
    if (!result || (status == PGRES_FATAL_ERROR && PQstatus(handle_) != CONNECTION_OK && field(result.get(), PG_DIAG_SQLSTATE).empty()))
      lose(complaint(handle_));
    if (status == PGRES_FATAL_ERROR && !failure) failure = failure_of(result.get(), *one.statement);
    if (failure && failure->fatal) raise(*failure);
    if (one.preparing && status != PGRES_COMMAND_OK) one.statement->prepared->name.clear();
    if (commits && !failure && std::string_view(PQcmdStatus(result.get())) == "ROLLBACK") failure = {.text = "the server rolled back"};
    if (!failure && !one.preparing) take(outcome_of(std::move(result)));
    if (const ResultHandle end(next_result()); end) lose("an answer that libpq does not explain");
  }
  last_answer_ = clock_.now();
  if (ending == Ending::open && failure) {
    if (PQpipelineSync(handle_) != 1) lose(complaint(handle_));
    flush();
  }
  if (ending != Ending::open || failure) read_to_sync(&failure);
  commit_sent_ = false;
  if (failure) raise(*failure);
  // Committed here, but the wait for the standby was cut short: a failover may lose it.
  if (commits && warned_) throw Error("the commit is not confirmed by the standby", true);
}

Connection::Failure Connection::failure_of(const pg_result* result, const Statement& statement) const {
  const std::string severity = field(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return {.state = field(result, PG_DIAG_SQLSTATE),
          .text = fmt::format("{}: {} ({}): {}", field(result, PG_DIAG_SEVERITY), field(result, PG_DIAG_MESSAGE_PRIMARY), field(result, PG_DIAG_SQLSTATE),
                              statement.prepared->text.substr(0, 120)),
          .constraint = field(result, PG_DIAG_CONSTRAINT_NAME).empty() ? field(result, PG_DIAG_COLUMN_NAME) : field(result, PG_DIAG_CONSTRAINT_NAME),
          .label = statement.label,
          .fatal = severity == "FATAL" || severity == "PANIC",
          .of_commit = statement.prepared->text == "COMMIT"};
}

void Connection::raise(const Failure& failure) {
  const std::string_view state = failure.state;
  if (failure.fatal) {
    lost_ = true;
    // The server said so before it came to COMMIT (25P03: it was idle): nothing stays. At COMMIT itself nobody knows.
    if (failure.of_commit && state != "25P03") throw Error(failure.text, true);
    throw Rerun(failure.text);
  }
  if (state == "22012" && !failure.label.empty()) throw GuardFailed(failure.label);
  if (state == "40001" || state == "40P01" || state == "55P03") throw Rerun(failure.text);  // 55P03: a lock_timeout of ours
  if (state == "0A000" || state == "26000" || (state == "25006" && use_ == Use::write)) {
    // A plan that another version's schema change made stale, or a primary that became a standby: start over elsewhere.
    lost_ = true;
    throw Rerun(failure.text);
  }
  if (state == "22021" || state == "22P05") throw ConstraintError(failure.text, false, "text");
  if (state.starts_with("23")) throw ConstraintError(failure.text, state == "23505", failure.constraint);
  throw Error(failure.text, false, state == "53100");
}

void Connection::lose(const std::string& why) {
  lost_ = true;
  expected_.clear();
  const std::string text = "the database connection is lost: " + why;
  if (commit_sent_) throw Error(text, true);
  throw Rerun(text);
}

void bootstrap(Connection& connection) {
  const Rows missing = connection.run("SELECT to_regprocedure('scoria_now()') IS NULL").rows;
  if (!missing.at(0, 0).flag()) return;
  connection.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
  connection.run("SELECT pg_advisory_xact_lock(5718, hashtext(current_schema()))");
  // The time at which the statement was sent: it moves within a transaction, and an index can be searched with it.
  connection.run("CREATE OR REPLACE FUNCTION scoria_now() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS "
                 "'SELECT (extract(epoch FROM statement_timestamp()) * 1000000)::bigint'");
  connection.run("COMMIT");
}

}  // namespace scoria::db::postgres
