#pragma once
#include <map>
#include <mutex>
#include <utility>

#include "api/routes.h"
#include "base/time.h"
#include "observe/metrics.h"

namespace scoria::api {

/// Counts answers and their times by route and status. Thread-safe.
class RequestMetrics {
 public:
  /// `route` is null for what no route was found for.
  void count(const Route* route, int status, Duration time);

 private:
  struct Handles {
    metrics::Counter answers;
    metrics::Histogram seconds;
  };
  Handles handles(const Route* route, int status);

  std::mutex mutex_;
  std::map<std::pair<const Route*, int>, Handles> known_;  // guarded by mutex_
};

}  // namespace scoria::api
