#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "exports/state.h"

namespace scoria::exports {

/// Until when this machine's daemons may serve what others may take over: a moment of CLOCK_BOOTTIME in a file of the state
/// directory that all its processes map. A keeper, a process of its own, kills those daemons as soon as the moment has passed:
/// it needs neither the node, which may be stopped or dead, nor the database. The leash is only made longer while the keeper is
/// seen to live. Thread-safe.
class Leash {
 public:
  /// `keeper`: the command that runs keep(); empty: there is no leash, and it always holds (one machine alone).
  Leash(Clock& clock, const State& state, std::vector<std::string> keeper);
  ~Leash();
  Leash(const Leash&) = delete;
  Leash& operator=(const Leash&) = delete;

  /// After State::open().
  void open();
  bool used() const { return !keeper_.empty(); }
  /// Makes it as long as `until`, never shorter, and starts the keeper if it is not there. False: there is no keeper yet, nothing
  /// has changed; ask again.
  bool extend(Instant until);
  bool holds() const;

  struct Shared {
    std::atomic<std::int64_t> until{0}, keeper_beat{0};  // microseconds since boot
  };

 private:
  bool keeper_lives();

  Clock& clock_;
  const State& state_;
  const std::vector<std::string> keeper_;
  Shared* shared_ = nullptr;
  std::atomic<std::int64_t> started_{0};
};

/// The keeper's life: kills what serves portals while the leash is overdrawn. Returns when another keeper has the directory, when the
/// directory is gone, or when nobody has used it for ten minutes.
void keep(Clock& clock, const std::string& state_directory);

}  // namespace scoria::exports
