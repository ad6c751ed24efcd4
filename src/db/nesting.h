#pragma once
#include <pthread.h>

#include <mutex>
#include <vector>

namespace scoria::db {

/// Knows which threads are inside a transaction of one database. A second one inside the first would wait for itself
/// or see another state, so entering twice aborts.
class Nesting {
 public:
  class Scope {
   public:
    explicit Scope(Nesting& nesting);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Nesting& nesting_;
  };

 private:
  std::mutex mutex_;
  std::vector<::pthread_t> inside_;  // guarded by mutex_
};

}  // namespace scoria::db
