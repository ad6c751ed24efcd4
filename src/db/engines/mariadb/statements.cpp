#include "db/engines/mariadb/statements.h"

#include "base/check.h"
#include "db/faults.h"
#include "db/values.h"

namespace scoria::db::mariadb {

Outcome Statements::execute(std::string_view sql, const Values& values) {
  if (!sound_) throw Error("a statement of this transaction failed before");
  SCORIA_CHECK(mode_ != Mode::read_one || !std::exchange(asked_, true), "a second statement in a read of one");
  sound_ = false;
  require_storable(values);
  if (mode_ == Mode::write && changes_schema(sql)) {
    open_ = false;
    Outcome outcome = connection_.change_schema(sql, values);
    sound_ = true;
    return outcome;
  }
  if (mode_ != Mode::read_one && !open_) {
    mode_ == Mode::write ? connection_.begin_write() : connection_.begin_read();
    open_ = true;
  }
  Outcome outcome = connection_.run(sql, values);
  sound_ = true;
  return outcome;
}

void Statements::guard(std::string_view label, std::string_view sql, Values values) {
  if (execute(sql, values).touched == 1) return;
  sound_ = false;
  throw GuardFailed(std::string(label));
}

void Statements::finish() {
  if (!sound_) throw Error("a statement of this transaction failed before");
  if (mode_ == Mode::write) faults::before_commit();
  if (!open_) return;
  if (mode_ == Mode::write) {
    connection_.commit();
  } else {
    connection_.roll_back();
  }
  open_ = false;
}

void Statements::abandon() {
  if (std::exchange(open_, false)) connection_.roll_back();
}

}  // namespace scoria::db::mariadb
