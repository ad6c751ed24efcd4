#include "db/nesting.h"

#include <algorithm>

#include "base/check.h"

namespace scoria::db {

Nesting::Scope::Scope(Nesting& nesting) : nesting_(nesting) {
  const std::lock_guard lock(nesting_.mutex_);
  const bool already = std::find(nesting_.inside_.begin(), nesting_.inside_.end(), ::pthread_self()) != nesting_.inside_.end();
  SCORIA_CHECK(!already, "a transaction or read inside a transaction or read");
  nesting_.inside_.push_back(::pthread_self());
}

Nesting::Scope::~Scope() {
  const std::lock_guard lock(nesting_.mutex_);
  nesting_.inside_.erase(std::find(nesting_.inside_.begin(), nesting_.inside_.end(), ::pthread_self()));
}

}  // namespace scoria::db
