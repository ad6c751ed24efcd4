#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "domain/pool.h"
#include "scheduler/explanation.h"
#include "scheduler/filters.h"
#include "scheduler/request.h"
#include "scheduler/weighers.h"

/// Where a volume goes. Pure: the same request, pools and random numbers give the same answer.
namespace scoria::scheduler {

struct SchedulerOptions {
  std::vector<std::string> filters{"AvailabilityZoneFilter", "CapacityFilter", "CapabilitiesFilter"};  // scheduler_default_filters
  std::vector<std::string> weighers{"CapacityWeigher"};                                                // scheduler_default_weighers
  std::string handler = "OrderedHostWeightHandler";  // or StochasticHostWeightHandler: a lottery by weight
  Multipliers multipliers;
};

struct Place {
  std::string backend, pool;
  Bytes taken;  // what the volume takes there: rounded to the pool's unit and minimum
};

struct Decision {
  std::vector<Place> places;  // the best first; empty: nothing fits
  Explanation explanation;
};

class Scheduler {
 public:
  /// Refuses invalid_input: a filter, weigher or handler that nobody knows, with the nearest name.
  static Result<Scheduler> make(const SchedulerOptions& options);
  Scheduler();  // with the options as shipped
  Decision place(const PlacementRequest& request, std::span<const PoolState> pools, Random& random) const;

 private:
  struct Nothing {};
  explicit Scheduler(Nothing) {}
  Verdict judge(const Candidate& candidate, const PlacementRequest& request) const;
  std::vector<std::string> ignored_hints(const PlacementRequest& request) const;

  std::vector<const Filter*> filters_;
  std::vector<const Weigher*> weighers_;
  Multipliers multipliers_;
  bool lottery_ = false;
};

}  // namespace scoria::scheduler
