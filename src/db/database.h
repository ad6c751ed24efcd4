#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace scoria::db {

/// A parameter: null, integer or UTF-8 text. Booleans are 0/1, times microseconds, JSON text.
class Value {
 public:
  Value() = default;
  Value(std::nullptr_t) {}
  Value(std::int64_t number) : data_(number) {}
  Value(int number) : data_(std::int64_t{number}) {}
  Value(bool flag) : data_(std::int64_t{flag}) {}
  Value(Timestamp time) : data_(time.micros) {}
  Value(std::string text) : data_(std::move(text)) {}
  Value(std::string_view text) : data_(std::in_place_type<std::string>, text) {}
  Value(const char* text) : data_(std::in_place_type<std::string>, text) {}

  bool null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_text() const { return std::holds_alternative<std::string>(data_); }
  /// The number; 0 for null. Throws db::Error for text that is no number.
  std::int64_t integer() const;
  /// The text; empty for null. Throws db::Error for an integer.
  const std::string& text() const;

 private:
  std::variant<std::monostate, std::int64_t, std::string> data_;
};

/// Empty text becomes null: for columns where "none" is null.
inline Value or_null(std::string_view text) { return text.empty() ? Value{} : Value{text}; }

using Values = std::vector<Value>;

/// A column of a row: as a Value, and gone with its Rows.
class Cell {
 public:
  enum class Kind : std::uint8_t { null, number, text };
  Cell(Kind kind, std::int64_t number, std::string_view text) : text_(text), number_(number), kind_(kind) {}

  bool null() const { return kind_ == Kind::null; }
  bool is_text() const { return kind_ == Kind::text; }
  /// The number; 0 for null. Throws db::Error for text that is no number.
  std::int64_t integer() const { return is_text() ? number_in(text_) : number_; }
  bool flag() const { return integer() != 0; }
  Timestamp time() const { return {integer()}; }
  /// The text, where it stands; empty for null. Throws db::Error for an integer.
  std::string_view view() const {
    if (kind_ == Kind::number) refuse_number();
    return text_;
  }
  std::string text() const { return std::string(view()); }
  operator Value() const { return null() ? Value{} : is_text() ? Value{text_} : Value{number_}; }

 private:
  friend class Value;
  static std::int64_t number_in(std::string_view text);
  [[noreturn]] static void refuse_number();

  std::string_view text_;
  std::int64_t number_;
  Kind kind_;
};

/// What a statement answered. All its texts stand in one piece of memory: its own, or what the engine's client library keeps of
/// the answer.
class Rows {
 public:
  /// An answer as a client library keeps it; read from any thread.
  class Answer {
   public:
    virtual ~Answer() = default;
    virtual std::size_t rows() const = 0;
    virtual std::size_t columns() const = 0;
    virtual Cell at(std::size_t row, std::size_t column) const = 0;
  };

  std::size_t size() const { return answer_ != nullptr ? answer_->rows() : columns_ == 0 ? 0 : cells_.size() / columns_; }
  bool empty() const { return size() == 0; }
  std::size_t columns() const { return columns_; }
  Cell at(std::size_t row, std::size_t column) const {
    if (answer_ != nullptr) return answer_->at(row, column);
    const Stored& cell = cells_.at(row * columns_ + column);
    if (cell.kind != Cell::Kind::text) return {cell.kind, cell.number, {}};
    return {cell.kind, 0, {texts_.data() + cell.number, cell.length}};
  }

  Rows() = default;
  // For engines: an answer, or cell after cell, row after row.
  explicit Rows(std::shared_ptr<const Answer> answer) : columns_(answer->columns()), answer_(std::move(answer)) {}
  explicit Rows(std::size_t columns) : columns_(columns) {}
  void reserve(std::size_t rows) { cells_.reserve(rows * columns_); }
  void add_null() { cells_.push_back({0, 0, Cell::Kind::null}); }
  void add(std::int64_t number) { cells_.push_back({number, 0, Cell::Kind::number}); }
  void add(std::string_view text) {
    cells_.push_back({static_cast<std::int64_t>(texts_.size()), static_cast<std::uint32_t>(text.size()), Cell::Kind::text});
    texts_.insert(texts_.end(), text.begin(), text.end());
  }
  void add(const Cell& cell) {
    if (cell.null()) return add_null();
    if (cell.is_text()) return add(cell.view());
    add(cell.integer());
  }

 private:
  struct Stored {
    std::int64_t number;  // of a text: where it begins in texts_
    std::uint32_t length;
    Cell::Kind kind;
  };

  std::size_t columns_ = 0;
  std::shared_ptr<const Answer> answer_;
  std::vector<Stored> cells_;
  std::vector<char> texts_;  // no string: views stay good when the Rows are moved
};

/// The database cannot serve now: connection lost, locked, disk full, shutting down. Nothing of the transaction stays
/// unless `commit_unknown`: then the caller looks for what it wrote (by an id chosen before) and repeats with the same ids.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& text, bool unknown = false, bool full = false) : std::runtime_error(text), commit_unknown(unknown), disk_full(full) {}
  bool commit_unknown;
  bool disk_full;  // nothing can be written until the database's disk has room
};

/// No server answers, or it lets nobody in yet.
class Unreachable : public Error {
 public:
  using Error::Error;
};

/// A unique or check constraint refused a statement, or a text that no engine stores: a NUL byte, broken UTF-8.
/// `constraint` is what the engine named: a constraint (PostgreSQL) or table and columns (SQLite), an index (MariaDB); for explanations only.
class ConstraintError : public Error {
 public:
  ConstraintError(const std::string& text, bool is_unique, std::string named = {})
      : Error(text), unique(is_unique), constraint(std::move(named)) {}
  bool unique;
  std::string constraint;
};

/// A guard() did not touch exactly one row: the whole transaction is rolled back.
class GuardFailed : public std::runtime_error {
 public:
  explicit GuardFailed(std::string which) : std::runtime_error("guard failed: " + which), label(std::move(which)) {}
  std::string label;
};

/// Statements of one transaction. SQL is written once for all engines: `?` placeholders, scoria_now() for the
/// database's clock in microseconds, and the fragments of db/dialect.h in braces ({skip_locked}, {for_share} …).
/// Never kept beyond the function it was handed to; never passed to a driver.
/// A failed statement fails its transaction: every later call throws, nothing is committed. The error of a run() or
/// guard() may show only at a later call or at the commit, so `work` catches nothing.
class Transaction {
 public:
  virtual ~Transaction() = default;
  /// Runs a statement whose result nobody needs. May be sent together with later ones (PostgreSQL pipelines them).
  virtual void run(std::string_view sql, Values values = {}) = 0;
  /// As run(), but exactly one row must be touched, else the transaction fails with GuardFailed(label). For INSERT,
  /// UPDATE and DELETE. The label is a short constant that the command's explanation knows.
  virtual void guard(std::string_view label, std::string_view sql, Values values = {}) = 0;
  /// Runs a statement now and tells how many rows it touched.
  virtual std::int64_t change(std::string_view sql, Values values = {}) = 0;
  /// Runs a statement now and gives its rows (SELECT, or … RETURNING).
  virtual Rows query(std::string_view sql, Values values = {}) = 0;
  /// For engines that commit several transactions as one (PostgreSQL): the next statement changes a row that many transactions change, such as
  /// what a project uses. `row` names it; they are changed late, in the order of their names, so that nobody waits for another the other
  /// way round. No other statement of the transaction may depend on this one. Where one does: without a name it is committed alone.
  virtual void contended(std::string row = {}) { (void)row; }
};

enum class Engine { sqlite, postgres, mariadb };

/// Counted since the database was opened.
struct Statistics {
  std::uint64_t transactions = 0;  // committed
  std::uint64_t commits = 0;       // COMMITs that made them durable; fewer where a group shares one
  std::uint64_t reads = 0;
  std::uint64_t retries = 0;       // transactions run again after a deadlock or a serialization failure
  std::uint64_t round_trips = 0;   // waits for an answer of the server; 0 for SQLite
};

/// One database. Thread-safe. Every call may block until its deadline option and may throw db::Error.
class Database {
 public:
  virtual ~Database() = default;
  virtual Engine engine() const = 0;
  virtual Statistics statistics() const = 0;

  /// Runs `work` in one transaction: commits if it returns true, rolls back if it returns false or throws. `work` may
  /// be run again from its start (deadlock, serialization), so it changes nothing but through its Transaction. It does
  /// no I/O and takes no lock. Transactions do not nest: a transact() inside `work` is a bug and aborts.
  virtual void run_transaction(const std::function<bool(Transaction&)>& work) = 0;
  /// As run_transaction(), on a connection of its own without a limit of time: for changes of the schema.
  virtual void run_schema_change(const std::function<bool(Transaction&)>& work) { run_transaction(work); }
  /// Runs reads on one consistent snapshot; statements that write are an error.
  virtual void run_read(const std::function<void(Transaction&)>& work) = 0;

  /// As run_read() for `work` that issues one statement at most; cheaper where a server is asked. A second one aborts.
  virtual void run_read_one(const std::function<void(Transaction&)>& work) { run_read(work); }

  /// `work(tx)` returns a Result<T>; a refusal rolls back. GuardFailed becomes explain(label), asked after the rollback.
  template <class Work, class Explain>
  auto transact(Work&& work, Explain&& explain) -> std::invoke_result_t<Work, Transaction&> {
    using Outcome = std::invoke_result_t<Work, Transaction&>;
    std::optional<Outcome> outcome;
    try {
      run_transaction([&](Transaction& tx) {
        outcome.emplace(work(tx));
        return outcome->has_value();
      });
    } catch (const GuardFailed& failed) {
      return refuse(explain(std::string_view{failed.label}));
    }
    return std::move(*outcome);
  }

  /// `work(tx)` returns any value, or nothing; always commits. GuardFailed passes through.
  template <class Work>
  auto write(Work&& work) -> std::invoke_result_t<Work, Transaction&> {
    using Outcome = std::invoke_result_t<Work, Transaction&>;
    if constexpr (std::is_void_v<Outcome>) {
      run_transaction([&](Transaction& tx) { return work(tx), true; });
    } else {
      std::optional<Outcome> outcome;
      run_transaction([&](Transaction& tx) { return outcome.emplace(work(tx)), true; });
      return std::move(*outcome);
    }
  }

  /// `work(tx)` returns any value, or nothing.
  template <class Work>
  auto read(Work&& work) -> std::invoke_result_t<Work, Transaction&> {
    return read_by(&Database::run_read, work);
  }
  template <class Work>
  auto read_one(Work&& work) -> std::invoke_result_t<Work, Transaction&> {
    return read_by(&Database::run_read_one, work);
  }

  /// Tells every process, this one too, that `queue` has work: best effort, may be lost, never waits for the server.
  virtual void poke(std::string_view queue) = 0;
  /// Called from any thread, poke()'s own too, when a process poked a queue; an empty name means any queue (pokes may
  /// have been missed). It must return at once and not call back. An empty function ends it: when that returns, the one
  /// before is not running any more.
  virtual void on_poke(std::function<void(std::string_view queue)> listener) = 0;

  /// Held from now until this process ends or release: others see by beacon_held() that it lives. See engine/membership.
  virtual void hold_beacon(std::int64_t incarnation) = 0;
  /// Which of these incarnations hold their beacon now; all of them where nobody can tell (Galera: a lock is known to one node).
  virtual std::vector<std::int64_t> beacons_held(const std::vector<std::int64_t>& incarnations) = 0;

 private:
  template <class Work>
  auto read_by(void (Database::*run)(const std::function<void(Transaction&)>&), Work& work) -> std::invoke_result_t<Work, Transaction&> {
    using Outcome = std::invoke_result_t<Work, Transaction&>;
    if constexpr (std::is_void_v<Outcome>) {
      (this->*run)([&](Transaction& tx) { work(tx); });
    } else {
      std::optional<Outcome> outcome;
      (this->*run)([&](Transaction& tx) { outcome.emplace(work(tx)); });
      return std::move(*outcome);
    }
  }
};

}  // namespace scoria::db
