#include "db/faults.h"

#include "base/failpoint.h"
#include "db/database.h"

namespace scoria::db::faults {

void before_begin() {
  try {
    FAILPOINT("db.transaction.before_begin");
  } catch (const failpoint::Injected& injected) {
    throw Error(injected.what());
  }
}

void before_commit() {
  try {
    FAILPOINT("db.transaction.before_commit");
  } catch (const failpoint::Injected& injected) {
    throw Error(injected.what());
  }
}

void after_commit() {
  try {
    FAILPOINT("db.transaction.after_commit");
  } catch (const failpoint::Injected& injected) {
    throw Error(injected.what(), true);
  }
}

void before_read() {
  try {
    FAILPOINT("db.read.before");
  } catch (const failpoint::Injected& injected) {
    throw Error(injected.what());
  }
}

}  // namespace scoria::db::faults
