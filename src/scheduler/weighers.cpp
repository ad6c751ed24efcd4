#include "scheduler/weighers.h"

#include <algorithm>

#include "scheduler/capacity.h"
#include "scheduler/driver_functions.h"

namespace scoria::scheduler {
namespace {

constexpr double unknown_capacity = -1;

double in_gib_number(Bytes size) { return static_cast<double>(size.count) / static_cast<double>(gib); }

template <class Of>
std::vector<double> each(std::span<const Candidate> candidates, Of of) {
  std::vector<double> out;
  out.reserve(candidates.size());
  for (const Candidate& candidate : candidates) out.push_back(of(candidate));
  return out;
}

std::vector<double> capacity(std::span<const Candidate> candidates, const PlacementRequest& request, Random&) {
  return each(candidates, [&request](const Candidate& candidate) {
    const Room room = room_of(candidate.pool, request.thick());
    return room.kind == Room::Kind::bounded ? in_gib_number(room.virtual_free) : unknown_capacity;
  });
}

std::vector<double> allocated(std::span<const Candidate> candidates, const PlacementRequest&, Random&) {
  return each(candidates, [](const Candidate& candidate) { return in_gib_number(candidate.pool.allocated); });
}

std::vector<double> chance(std::span<const Candidate> candidates, const PlacementRequest&, Random& random) {
  return each(candidates, [&random](const Candidate&) { return static_cast<double>(random.below(1U << 30)) / (1U << 30); });
}

std::vector<double> goodness(std::span<const Candidate> candidates, const PlacementRequest& request, Random&) {
  return each(candidates, [&request](const Candidate& candidate) { return goodness_of(candidate, request); });
}

std::vector<double> volume_number(std::span<const Candidate> candidates, const PlacementRequest&, Random&) {
  return each(candidates, [](const Candidate& candidate) { return static_cast<double>(candidate.pool.volumes); });
}

constexpr Weigher weighers[] = {
    {"CapacityWeigher", &Multipliers::capacity, capacity},
    {"AllocatedCapacityWeigher", &Multipliers::allocated_capacity, allocated},
    {"ChanceWeigher", &Multipliers::chance, chance},
    {"GoodnessWeigher", &Multipliers::goodness, goodness},
    {"VolumeNumberWeigher", &Multipliers::volume_number, volume_number},
};

}  // namespace

std::span<const Weigher> known_weighers() { return weighers; }

std::vector<double> scaled(std::vector<double> weights) {
  if (weights.empty()) return weights;
  const auto [least, most] = std::minmax_element(weights.begin(), weights.end());
  const double low = *least;
  const double range = *most - low;
  for (double& weight : weights) weight = range == 0 ? 0 : (weight - low) / range;
  return weights;
}

}  // namespace scoria::scheduler
