#pragma once
#include <mutex>
#include <set>
#include <string>

#include "exports/exporter.h"

namespace scoria::exports {

/// Exports of the fake backend's volumes, over whatever protocol was asked for: names in memory, which no host can open.
/// For benchmarks of everything else. Thread-safe, idempotent.
class FakeExports {
 public:
  static bool serves(const drivers::Location& location) { return location.protocol == "fake"; }
  Connection ensure(const ExportSpec& spec);
  /// True if it was one of these: then nobody else has it.
  bool remove(const std::string& name);

 private:
  std::mutex mutex_;
  std::set<std::string> names_;  // guarded by mutex_
};

}  // namespace scoria::exports
