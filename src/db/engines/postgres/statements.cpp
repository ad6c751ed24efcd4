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
  for (const Value& value : values) waiting_bytes_ += value.is_text() ? value.text().size() : 8;
  waiting_.push_back({&prepared, std::move(values), std::string(label)});
}

Outcome Statements::send(Ending ending) {
  SCORIA_CHECK(mode_ != Mode::read_one || !std::exchange(asked_, true), "a second statement in a read of one");
  sound_ = false;
  // What goes as one batch needs no BEGIN: the server takes it as one transaction and commits at its end. If more is to come, the
  // server must know that it waits for us, and for how long it may.
  if (mode_ == Mode::write && ending != Ending::commits && !std::exchange(begun_, true)) waiting_.insert(waiting_.begin(), {&connection_.prepare("BEGIN"), {}, {}});
  open_ = begun_;  // an implicit one that fails is over by then
  Outcome outcome = connection_.exchange(waiting_, ending);
  open_ = begun_ || mode_ == Mode::read;
  sound_ = true;
  waiting_.clear();
  waiting_bytes_ = 0;
  return outcome;
}

void Statements::run(std::string_view sql, Values values) {
  add(connection_.prepare(sql), std::move(values), {});
  if (waiting_.size() >= max_statements || waiting_bytes_ >= max_bytes) send(between());
}

void Statements::guard(std::string_view label, std::string_view sql, Values values) {
  add(connection_.prepare_guard(sql), std::move(values), label);
  if (waiting_.size() >= max_statements || waiting_bytes_ >= max_bytes) send(between());
}

std::int64_t Statements::change(std::string_view sql, Values values) {
  add(connection_.prepare(sql), std::move(values), {});
  return send(between()).touched;
}

Rows Statements::query(std::string_view sql, Values values) {
  add(connection_.prepare(sql), std::move(values), {});
  return send(between()).rows;
}

void Statements::finish() {
  if (!sound_) throw Error("a statement of this transaction failed before");
  if (mode_ != Mode::write) {
    if (!waiting_.empty()) send(between());
    if (open_) connection_.close_batch();
    return;
  }
  faults::before_commit();
  if (begun_) waiting_.push_back({&connection_.prepare("COMMIT"), {}, {}});
  if (!waiting_.empty()) send(Ending::commits);
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
