#include "simulation/shrink.h"

#include <algorithm>

#include "simulation/faults.h"

namespace scoria::simulation {
namespace {

constexpr int orders = 3;  // in which a change is tried
constexpr int most_rounds = 3;

using Changes = std::vector<std::string>;

/// Kinds of faults that are off; what belongs together stands together.
const Changes no_faults = {"kills=0", "power_cuts=0", "pauses=0", "drains=0", "rolling_restarts=0", "slow_nodes=0", "clock_stalls=0", "beacon_lies=0", "cuts=0", "deaf=0",
                           "array_cuts=0", "stalls=0", "restarts=0", "read_only=0", "clock_jumps=0", "array_outages=0", "site_changes=0", "failpoints=0", "failpoint_kill=0",
                           "failpoint_pause=0", "failpoint_error=0", "failpoint_drop=0", "db.refused=0", "db.commit_lost=0", "db.reply_lost=0", "db.run_again=0", "db.slow=0",
                           "db.poke_lost=0", "array.refused=0", "array.reply_lost=0", "array.delayed=0", "array.hang=0", "array.slow=0", "array.list_partial=0"};
const Changes no_requests = {"copies=0", "clones=0", "keys=0", "extends=0", "reverts=0", "by_force=0", "deletes=0", "snapshots=0", "snapshot_deletes=0", "attachments=0", "cancels=0"};
const Changes plain = {"permanent_failures=0", "obstacles=0", "beacons=0", "native_clones=0", "on_nodes=0", "project_limit=0", "pool_gib=4096", "sections=0"};

class Search {
 public:
  Search(const SeedConfig& failing, const Size& size, const Try& fails, int most_runs) : best_{failing, size, 0}, fails_(fails), most_runs_(most_runs) {}

  Shrunk run() {
    accepts("quiet_for=180000ms");
    for (int rounds = 0; rounds < most_rounds && best_.runs < most_runs_; ++rounds)
      if (!round()) break;
    keep_few_faults();
    return best_;
  }

 private:
  /// Does it still fail with this change, in one of some orders?
  bool accepts(SeedConfig changed, int tries = orders) {
    if (changed.changes_from(best_.config).empty()) return false;
    for (int i = 0; i < tries && best_.runs < most_runs_; ++i) {
      ++best_.runs;
      if (const auto size = fails_(changed)) {
        best_.config = changed;
        best_.size = *size;
        return true;
      }
      changed.schedule = best_.config.schedule + i + 1;
    }
    return false;
  }

  bool accepts(const std::string& changes) {
    SeedConfig changed = best_.config;
    changed.apply(changes);
    return accepts(changed);
  }

  /// All of them at once, if that does it, else each half for itself.
  bool take_off(const Changes& changes) {
    std::string text;
    for (const std::string& change : changes) text += change + " ";
    if (accepts(text)) return true;
    if (changes.size() < 2) return false;
    const auto middle = changes.begin() + static_cast<std::ptrdiff_t>(changes.size() / 2);
    const bool first = take_off({changes.begin(), middle});
    return take_off({middle, changes.end()}) || first;
  }

  bool lower(int SeedConfig::* member, int least) {
    bool any = false;
    while (best_.config.*member > least) {
      SeedConfig changed = best_.config;
      changed.*member = std::max(least, best_.config.*member / 2);
      if (!accepts(changed)) {
        changed = best_.config;
        changed.*member -= 1;
        if (!accepts(changed)) break;
      }
      any = true;
    }
    return any;
  }

  bool shorter() {
    bool any = false;
    while (best_.config.chaos_for > Duration{5s}) {
      SeedConfig changed = best_.config;
      changed.chaos_for = best_.config.chaos_for / 2;
      if (!accepts(changed)) break;
      any = true;
    }
    return any;
  }

  bool round() {
    bool any = take_off(no_faults);
    any = lower(&SeedConfig::clients, 1) || any;
    any = lower(&SeedConfig::commands, 1) || any;
    any = take_off(no_requests) || any;
    any = take_off(plain) || any;
    any = lower(&SeedConfig::nodes, 1) || any;
    return shorter() || any;
  }

  /// Leaves out more and more single faults: halves, quarters, … of those that are left.
  void keep_few_faults() {
    if (best_.size.faults == 0) return;
    std::vector<std::uint64_t> kept = numbers_of(best_.config.faults.empty() ? "1-" + std::to_string(best_.size.faults) : best_.config.faults);
    for (std::size_t parts = 2; !kept.empty() && best_.runs < most_runs_;) {
      const std::size_t length = (kept.size() + parts - 1) / parts;
      bool any = false;
      for (std::size_t from = 0; from < kept.size() && best_.runs < most_runs_; from += any ? 0 : length) {
        std::vector<std::uint64_t> fewer = kept;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(from), fewer.begin() + static_cast<std::ptrdiff_t>(std::min(from + length, kept.size())));
        any = accepts(with(fewer), 2);
        if (any) kept = std::move(fewer);
      }
      if (length == 1 && !any) return;
      parts = std::min(parts * 2, std::max<std::size_t>(kept.size(), 1));
    }
  }

  SeedConfig with(const std::vector<std::uint64_t>& kept) const {
    SeedConfig out = best_.config;
    out.faults = kept.empty() ? "0" : ranges_of(kept);  // numbers begin at 1
    return out;
  }

  Shrunk best_;
  const Try& fails_;
  const int most_runs_;
};

}  // namespace

Shrunk shrink(const SeedConfig& failing, const Size& size, const Try& fails, int most_runs) { return Search(failing, size, fails, most_runs).run(); }

}  // namespace scoria::simulation
