#include "db/engines/postgres/statements.h"

#include "base/check.h"
#include "db/faults.h"
#include "db/values.h"

namespace scoria::db::postgres {
namespace {
// A batch can be of any size (Connection::flush never blocks); these bound memory, not safety.
constexpr std::size_t max_statements = 256;
constexpr std::size_t max_bytes = 256 * 1024;
}  // namespace

void Statements::add(Prepared& prepared, Values values, std::string_view label) {
  if (!sound_) throw Error("a statement of this transaction failed before");
  sound_ = false;
  require_storable(values);
  sound_ = true;
  if (mode_ == Mode::write && !begun_) {
    begun_ = true;
    waiting_.push_back({&connection_.prepare("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"), {}, {}});
  }
  for (const Value& value : values) waiting_bytes_ += value.is_text() ? value.text().size() : 8;
  waiting_.push_back({&prepared, std::move(values), std::string(label)});
}

Outcome Statements::send() {
  SCORIA_CHECK(mode_ != Mode::read_one || !std::exchange(asked_, true), "a second statement in a read of one");
  sound_ = false;
  open_ = mode_ == Mode::write;  // a read that fails is closed by then
  Outcome outcome = connection_.exchange(waiting_, mode_ == Mode::read ? Ending::open : Ending::closed);
  open_ = mode_ != Mode::read_one;
  sound_ = true;
  waiting_.clear();
  waiting_bytes_ = 0;
  return outcome;
}

void Statements::run(std::string_view sql, Values values) {
  add(connection_.prepare(sql), std::move(values), {});
  if (waiting_.size() >= max_statements || waiting_bytes_ >= max_bytes) send();
}

void Statements::guard(std::string_view label, std::string_view sql, Values values) {
  add(connection_.prepare_guard(sql), std::move(values), label);
  if (waiting_.size() >= max_statements || waiting_bytes_ >= max_bytes) send();
}

std::int64_t Statements::change(std::string_view sql, Values values) {
  add(connection_.prepare(sql), std::move(values), {});
  return send().touched;
}

Rows Statements::query(std::string_view sql, Values values) {
  add(connection_.prepare(sql), std::move(values), {});
  return send().rows;
}

void Statements::finish() {
  if (!sound_) throw Error("a statement of this transaction failed before");
  if (mode_ != Mode::write) {
    if (!waiting_.empty()) send();
    if (open_) connection_.close_batch();
    return;
  }
  faults::before_commit();
  if (!begun_) return;
  waiting_.push_back({&connection_.prepare("COMMIT"), {}, {}});
  send();
}

void Statements::abandon() {
  if (!open_ || connection_.lost()) return;
  try {
    if (mode_ == Mode::write) {
      connection_.send_only("ROLLBACK");
    } else {
      connection_.close_batch();
    }
  } catch (const Error&) {
    // The link is lost: the server rolls back all the same.
  }
}

}  // namespace scoria::db::postgres
