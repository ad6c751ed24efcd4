#include "config/options/scheduler.h"

namespace scoria::config {

void SchedulerOptions::declare(Fields& fields) {
  fields.section("DEFAULT");
  fields.add("scheduler_default_filters", &filters, "What a pool must pass to be taken for a volume.").familiar();
  fields.add("scheduler_default_weighers", &weighers, "What decides among the pools that pass.").familiar();
  fields.add("capacity_weight_multiplier", &capacity_weight_multiplier, "Weight of free capacity: positive spreads volumes, negative stacks them.").familiar();
  fields.add("allocated_capacity_weight_multiplier", &allocated_capacity_weight_multiplier,
             "Weight of allocated capacity (AllocatedCapacityWeigher): negative spreads volumes, positive stacks them.").familiar();
  fields.add("volume_number_multiplier", &volume_number_multiplier, "Weight of the number of volumes (VolumeNumberWeigher): negative spreads, positive stacks.")
      .familiar();
}

}  // namespace scoria::config
