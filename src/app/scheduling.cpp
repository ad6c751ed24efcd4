#include "app/scheduling.h"

#include <fmt/core.h>

#include <stdexcept>
#include <system_error>

#include "config/options/api.h"
#include "config/options/scheduler.h"
#include "os/files.h"

namespace scoria::app {

scheduler::Scheduler make_scheduler(const config::Config& config) {
  const auto wanted = config.read<config::SchedulerOptions>();
  scheduler::SchedulerOptions options;
  options.filters = wanted.filters;
  options.weighers = wanted.weighers;
  options.multipliers.capacity = wanted.capacity_weight_multiplier;
  options.multipliers.allocated_capacity = wanted.allocated_capacity_weight_multiplier;
  options.multipliers.volume_number = wanted.volume_number_multiplier;
  const Result<scheduler::Scheduler> made = scheduler::Scheduler::make(options);
  if (!made) throw std::runtime_error(made.error().message);
  return *made;
}

api::ListLimits list_limits(const config::Config& config) {
  const auto wanted = config.read<config::ApiOptions>();
  api::ListLimits out;
  out.max_limit = wanted.max_limit;
  if (wanted.query_filters_file.empty()) return out;
  std::string text;
  try {
    text = os::read_file(wanted.query_filters_file);
  } catch (const std::system_error& failure) {
    throw std::runtime_error(fmt::format("resource_query_filters_file {} cannot be read: {}.", wanted.query_filters_file, failure.code().message()));
  }
  Result<api::ResourceFilters> filters = api::ResourceFilters::read(text);
  if (!filters) throw std::runtime_error(fmt::format("resource_query_filters_file {}: {}", wanted.query_filters_file, filters.error().message));
  out.filters = std::move(*filters);
  return out;
}

}  // namespace scoria::app
