#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace scoria::engine {

/// Versions by name: "schema", "kind:<kind of operation>", "shape:<stored shape>".
using VersionMap = std::map<std::string, int, std::less<>>;

/// What one build can do.
struct Versions {
  std::string release;
  int schema_oldest = 0;  // works on no schema before this step, nor while its fills go on
  VersionMap newest;      // of everything it can read
};

/// What this process may write now: the newest version that every node can read which may still be started. Below what the
/// build knows from the first upgraded node until the upgrade is finalised. Thread-safe.
class Pins {
 public:
  /// The version to write. 0: nothing of that name may be written yet. Before the first set(): `newest`.
  int at_most(std::string_view name, int newest) const {
    const std::lock_guard lock(mutex_);
    if (!known_) return newest;
    const auto found = pins_.find(name);
    return found == pins_.end() ? 0 : std::min(found->second, newest);
  }
  int shape(std::string_view shape, int newest) const { return at_most("shape:" + std::string(shape), newest); }

  void set(VersionMap pins) {
    const std::lock_guard lock(mutex_);
    pins_ = std::move(pins), known_ = true;
  }

 private:
  mutable std::mutex mutex_;
  VersionMap pins_;
  bool known_ = false;
};

}  // namespace scoria::engine
