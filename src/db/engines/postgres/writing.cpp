#include "db/engines/postgres/writing.h"

#include "db/faults.h"
#include "db/values.h"

namespace scoria::db::postgres {
namespace {
// What is larger would keep those waiting who come with it.
constexpr std::size_t most_kept = 32;
}  // namespace

void Writing::run(std::string_view sql, Values values) {
  if (statements_) return statements_->run(sql, std::move(values));
  keep({std::string(sql), {nullptr, std::move(values), {}}, false});
}

void Writing::guard(std::string_view label, std::string_view sql, Values values) {
  if (statements_) return statements_->guard(label, sql, std::move(values));
  keep({std::string(sql), {nullptr, std::move(values), std::string(label)}, true});
}

void Writing::keep(Draft draft) {
  if (!sound_) throw Error("a statement of this transaction failed before");
  sound_ = false;
  require_storable(draft.statement.values);
  sound_ = true;
  draft.row = std::exchange(next_row_, {});
  drafts_.push_back(std::move(draft));
  if (drafts_.size() == most_kept) own();
}

Statements& Writing::own() {
  if (statements_) return *statements_;
  if (!sound_) throw Error("a statement of this transaction failed before");
  taken_.emplace(take_());
  statements_.emplace(*taken_->connection, Statements::Mode::write);
  for (Draft& draft : std::exchange(drafts_, {})) {
    if (draft.guards) {
      statements_->guard(draft.statement.label, draft.sql, std::move(draft.statement.values));
    } else {
      statements_->run(draft.sql, std::move(draft.statement.values));
    }
  }
  return *statements_;
}

bool Writing::finish(bool in_company) {
  if (!sound_) throw Error("a statement of this transaction failed before");
  if (!statements_ && in_company && !alone_) {
    faults::before_commit();
    if (!drafts_.empty()) commits_.commit(std::move(drafts_));
    return false;
  }
  own().finish();
  taken_->give_back();
  return true;
}

void Writing::abandon() {
  if (!statements_) return;
  statements_->abandon();
  taken_->give_back();
}

}  // namespace scoria::db::postgres
