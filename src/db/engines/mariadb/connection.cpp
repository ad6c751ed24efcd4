#include "db/engines/mariadb/connection.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <errmsg.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/failpoint.h"
#include "observe/log.h"

namespace scoria::db::mariadb {
namespace {

// Reads run at the session's defaults; what writes says so when it begins. UTF-8 sorts byte by byte, blanks count, and
// quotes, concatenation and assignments are those of standard SQL.
constexpr std::string_view session_settings =
    "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin, SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,PIPES_AS_CONCAT,ANSI_QUOTES,"
    "NO_BACKSLASH_ESCAPES,SIMULTANEOUS_ASSIGNMENT,NO_AUTO_VALUE_ON_ZERO', SESSION time_zone = '+00:00', SESSION tx_isolation = 'REPEATABLE-READ', "
    "SESSION tx_read_only = 1, SESSION autocommit = 1, SESSION innodb_lock_wait_timeout = {}, SESSION max_statement_time = {}, "
    "SESSION idle_transaction_timeout = {}, SESSION group_concat_max_len = 67108864";
constexpr unsigned synced = 4;  // wsrep_local_state
constexpr std::size_t max_prepared = 300;

/// A server that vanished without a word is noticed within ten seconds, as with PostgreSQL, whatever it was asked.
void notice_silence(int socket) {
  const auto set = [&](int level, int name, int value) { ::setsockopt(socket, level, name, &value, sizeof value); };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 5), set(IPPROTO_TCP, TCP_KEEPINTVL, 2), set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 10'000);
}

unsigned seconds_of(Duration time) { return static_cast<unsigned>(std::chrono::ceil<std::chrono::seconds>(time).count()); }

}  // namespace

std::vector<std::string> Shared::keys(Connection& connection, const std::string& table) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = keys_.find(table); found != keys_.end()) return found->second;
  }
  const Rows rows = connection.run("SELECT column_name FROM information_schema.key_column_usage WHERE table_schema = database() AND table_name = ? "
                                   "AND constraint_name = 'PRIMARY' ORDER BY ordinal_position", {table}).rows;
  std::vector<std::string> out;
  for (std::size_t row = 0; row < rows.size(); ++row) out.push_back('"' + rows.at(row, 0).text() + '"');
  if (out.empty()) throw Error(fmt::format("the table {} has no primary key", table));
  const std::lock_guard lock(mutex_);
  return keys_[table] = out;
}

void Shared::warn_of_flushing(int setting) {
  if (setting == 1 || warned_.exchange(true)) return;
  log::warning("db", {}, "the database server runs with innodb_flush_log_at_trx_commit = {}: what was answered may be lost when it loses power; set it to 1", setting);
}

Connection::Connection(Clock& clock, Shared& shared, bool patient, std::size_t hosts) : clock_(clock), shared_(shared) {
  std::string why;
  const std::size_t count = std::min(hosts, shared_.address.hosts.size());
  // Who served last comes first: one that is away is waited for once, and Session looks whether it is back.
  const std::size_t last = shared_.host, first = last < count ? last : 0;
  for (std::size_t i = 0; i < count; ++i) {
    generation_ = shared_.generation;
    if (try_host((first + i) % count, patient, why)) return;
  }
  throw Unreachable("cannot connect to the database: " + why);
}

Connection::~Connection() {
  forget_all();
  mysql_close(handle_);
}

bool Connection::try_host(std::size_t host, bool patient, std::string& why) {
  const Address& address = shared_.address;
  const MariadbOptions& options = shared_.options;
  handle_ = mysql_init(nullptr);
  lost_ = false;
  host_ = host;
  const unsigned connect = std::max(seconds_of(options.connect_timeout), 1u);
  // A little more than the server's own limit: then we hear its reason.
  const Duration limit = patient ? Duration::zero() : options.statement_timeout;
  const unsigned answer = seconds_of(limit + std::min<Duration>(limit, std::chrono::seconds{5}));  // 0: none
  const my_bool no = 0;
  mysql_optionsv(handle_, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
  mysql_optionsv(handle_, MYSQL_OPT_READ_TIMEOUT, &answer);
  mysql_optionsv(handle_, MYSQL_OPT_WRITE_TIMEOUT, &answer);
  mysql_optionsv(handle_, MYSQL_OPT_RECONNECT, &no);
  mysql_optionsv(handle_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (!address.ssl_ca.empty() || !address.ssl_cert.empty())
    mysql_ssl_set(handle_, address.ssl_key.empty() ? nullptr : address.ssl_key.c_str(), address.ssl_cert.empty() ? nullptr : address.ssl_cert.c_str(),
                  address.ssl_ca.empty() ? nullptr : address.ssl_ca.c_str(), nullptr, nullptr);
  const Host& at = address.hosts[host];
  const char* socket = address.unix_socket.empty() ? nullptr : address.unix_socket.c_str();
  const bool connected = mysql_real_connect(handle_, socket != nullptr ? nullptr : at.name.c_str(), address.user.c_str(), address.password.c_str(),
                                            address.database.c_str(), at.port, socket, CLIENT_FOUND_ROWS | CLIENT_MULTI_STATEMENTS) != nullptr;
  try {
    if (!connected) throw Error(mysql_error(handle_));
    if (socket == nullptr) notice_silence(mysql_get_socket(handle_));
    prepare_session(patient);
    if (serves(why)) {
      if (shared_.host.exchange(host) != host) generation_ = ++shared_.generation;
      last_answer_ = clock_.now();
      return true;
    }
  } catch (const Error& error) {
    why = error.what();
  }
  why = fmt::format("{}:{}: {}", at.name, at.port, why);
  forget_all();
  plans_.clear();
  mysql_close(handle_);
  handle_ = nullptr;
  return false;
}

void Connection::prepare_session(bool patient) {
  const MariadbOptions& options = shared_.options;
  const double limit = patient ? 0 : std::chrono::duration<double>(options.statement_timeout).count();
  const unsigned idle = patient ? 0 : seconds_of(options.idle_in_transaction_timeout);
  command(fmt::format(fmt::runtime(session_settings), patient || limit <= 0 ? 3600 : std::max(seconds_of(options.statement_timeout), 1u), limit, idle));
}

bool Connection::serves(std::string& why) {
  const Rows rows = run("SELECT @@read_only, @@innodb_flush_log_at_trx_commit, @@wsrep_on", {}).rows;
  if (rows.at(0, 0).integer() != 0) {
    why = "the server is read-only";
    return false;
  }
  shared_.warn_of_flushing(static_cast<int>(rows.at(0, 1).integer()));
  if (rows.at(0, 2).integer() == 0) return true;
  shared_.galera = true;
  const Rows state = run("SELECT variable_value FROM information_schema.global_status WHERE variable_name IN ('WSREP_LOCAL_STATE', 'WSREP_READY') ORDER BY variable_name", {}).rows;
  if (state.size() != 2 || state.at(0, 0).integer() != synced || state.at(1, 0).text() != "ON") {
    why = "the Galera node is not in step with its cluster";
    return false;
  }
  // What another node has committed is seen by reads here.
  command("SET SESSION wsrep_sync_wait = 1");
  return true;
}

Outcome Connection::change_schema(std::string_view sql, const Values& values) {
  // It starts a transaction of its own, at the session's defaults.
  command("COMMIT; SET SESSION tx_read_only = 0");
  try {
    Outcome out = run(sql, values);
    command("SET SESSION tx_read_only = 1");
    return out;
  } catch (const Error&) {
    if (!lost_) command("SET SESSION tx_read_only = 1");
    throw;
  }
}

void Connection::begin_write() { command("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; START TRANSACTION READ WRITE"); }

void Connection::begin_read() { command("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"); }

void Connection::commit() {
  // A connection that the server has ended before COMMIT left: nothing stays.
  pollfd waiting{mysql_get_socket(handle_), POLLIN | POLLRDHUP, 0};
  if (::poll(&waiting, 1, 0) > 0) {
    lost_ = true;
    throw Rerun("the database connection was ended before the commit");
  }
  command("COMMIT", true);
}

void Connection::roll_back() noexcept {
  if (lost_) return;
  lost_ = mysql_real_query(handle_, "ROLLBACK", 8) != 0;
  ++shared_.round_trips;
}

void Connection::command(const std::string& sql, bool committing) {
  if (lost_) throw Rerun("the database connection is lost");
  ++shared_.round_trips;
  int failed = mysql_real_query(handle_, sql.data(), sql.size());
  if (committing) {
    try {
      FAILPOINT("db.mariadb.committed");
    } catch (const failpoint::Injected& injected) {
      lost_ = true;
      throw Error(injected.what(), true);
    }
  }
  while (failed == 0) {
    if (MYSQL_RES* rows = mysql_store_result(handle_); rows != nullptr) mysql_free_result(rows);
    const int more = mysql_next_result(handle_);
    if (more < 0) break;
    failed = more;
  }
  if (failed != 0) raise(mysql_errno(handle_), mysql_error(handle_), sql, committing);
  last_answer_ = clock_.now();
}

bool Connection::usable() {
  if (lost_ || generation_ != shared_.generation) return false;
  if (clock_.now() - last_answer_ < std::chrono::milliseconds{500}) return true;  // in constant use, it is looked at anyway
  pollfd waiting{mysql_get_socket(handle_), POLLIN | POLLRDHUP, 0};
  lost_ = ::poll(&waiting, 1, 0) > 0;  // nobody speaks to an idle connection but a server that ends it
  return !lost_;
}

void Connection::forget_some() {
  if (statements_.size() <= max_prepared) return;
  forget_all();
  plans_.clear();
}

void Connection::forget_all() {
  for (const auto& [text, statement] : statements_) mysql_stmt_close(statement);
  statements_.clear();
}

std::string Connection::own_address() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = "";
  if (::getsockname(mysql_get_socket(handle_), reinterpret_cast<sockaddr*>(&address), &size) != 0) return "127.0.0.1";
  if (address.ss_family == AF_INET) ::inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(&address)->sin_addr, text, sizeof text);
  if (address.ss_family == AF_INET6) ::inet_ntop(AF_INET6, &reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr, text, sizeof text);
  return text[0] == '\0' ? "127.0.0.1" : text;
}

}  // namespace scoria::db::mariadb
