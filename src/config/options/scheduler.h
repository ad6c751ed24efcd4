#pragma once
#include <string>
#include <vector>

#include "config/fields.h"

namespace scoria::config {

struct SchedulerOptions {
  std::vector<std::string> filters{"AvailabilityZoneFilter", "CapacityFilter", "CapabilitiesFilter"};
  std::vector<std::string> weighers{"CapacityWeigher"};
  double capacity_weight_multiplier = 1.0;
  double allocated_capacity_weight_multiplier = -1.0;
  double volume_number_multiplier = -1.0;

  void declare(Fields& fields);
};

}  // namespace scoria::config
