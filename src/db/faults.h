#pragma once

/// Where faults are injected into transactions of any engine; each throws what a real fault would.
namespace scoria::db::faults {

void before_begin();   // db.transaction.before_begin: the database cannot be reached
void before_commit();  // db.transaction.before_commit: lost before COMMIT was sent; nothing stays
void after_commit();   // db.transaction.after_commit: committed, the answer lost: Error{commit_unknown}
void before_read();    // db.read.before

}  // namespace scoria::db::faults
