#pragma once
#include <functional>
#include <map>
#include <string>

#include "base/failpoint.h"
#include "base/random.h"
#include "base/seal.h"
#include "db/database.h"
#include "engine/kind.h"
#include "engine/start.h"
#include "engine/upgrade.h"
#include "scheduler/scheduler.h"
#include "store/backends/names.h"

namespace scoria::commands {

struct Options {
  std::map<std::string, std::int64_t, std::less<>> quotas = {{"volumes", 10},  {"gigabytes", 1000},       {"snapshots", 10},
                                                             {"backups", 10},  {"backup_gigabytes", 1000}, {"groups", 10},
                                                             {"per_volume_gigabytes", -1}};
  std::string default_type = "__DEFAULT__";
  std::string storage_zone = "nova";  // storage_availability_zone
  std::string default_zone;           // default_availability_zone; empty: storage_zone
  bool zone_fallback = false;         // allow_availability_zone_fallback
  bool cloned_volume_same_az = true;
  bool no_snapshot_gb_quota = false;
};

/// What commands work with. A command is a function of these, the caller's context and its request; it ends in one
/// transaction and an answer. It cannot see a driver.
struct Services {
  db::Database& database;
  Random& random;
  const engine::Kinds& kinds;
  Options options;
  std::function<void(const std::string& queue)> poke;  // after the commit: work is ready
  Sealer* sealer = nullptr;                             // for what attachments keep secret
  engine::Berths* berths = nullptr;                     // of this node's engine; none: all operations are made ready
  const scheduler::Scheduler* scheduler = nullptr;      // of a node with that role: volumes that it can make itself are placed at once
};

/// Detail of the refusal of a command whose resource is not where the caller saw it: from its start it would do.
inline constexpr const char* moved_detail = "moved";

/// Runs `work` like Database::transact, and once more (up to three times in all) when the COMMIT's fate is unknown: the
/// ids were chosen before, so a repeat meets the first one's rows. `landed` looks whether they are there.
template <class T>
Result<T> transact_once(Services& services, const std::function<Result<T>(db::Transaction&)>& work,
                        const std::function<Refusal(std::string_view)>& explain, const std::function<std::optional<T>(db::Transaction&)>& landed,
                        int tries = 0) {
  const auto explain_all = [&](std::string_view guard) {
    if (guard == store::backends::moved_away) return Refusal{RefusalCode::unavailable, "Its backend was renamed this very moment; try again.", moved_detail};
    return guard == engine::not_yet ? engine::refuse_not_yet() : explain(guard);
  };
  for (;; ++tries) {
    try {
      return services.database.transact(work, explain_all);
    } catch (const db::ConstraintError& repeated) {
      // A late first COMMIT won: its rows are the answer.
      if (tries == 0 || !repeated.unique) throw;
      if (auto found = services.database.read(landed)) return std::move(*found);
      throw;
    } catch (const db::Error& failure) {
      if (!failure.commit_unknown || tries == 2) throw;
      if (auto found = services.database.read(landed)) return std::move(*found);
    }
  }
}

/// The same for work that starts the operation of `launch`: once committed, it runs here or its queue is poked.
template <class T>
Result<T> launch_once(Services& services, engine::Launch& launch, const std::function<Result<T>(db::Transaction&)>& work,
                      const std::function<Refusal(std::string_view)>& explain, const std::function<std::optional<T>(db::Transaction&)>& landed,
                      int tries = 0) {
  bool stale = false;
  const auto or_stale = [&](std::string_view guard) {
    stale = guard == engine::stale_generation;
    return stale ? Refusal{} : explain(guard);
  };
  auto accepted = transact_once<T>(services, work, or_stale, landed, tries);
  if (stale) {
    launch.release();
    accepted = transact_once<T>(services, work, explain, landed, 1);
  }
  if (accepted) launch.committed(services.poke);
  return accepted;
}

}  // namespace scoria::commands
