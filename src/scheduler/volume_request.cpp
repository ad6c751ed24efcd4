#include "scheduler/volume_request.h"

#include "base/text.h"

namespace scoria::scheduler {
namespace {

constexpr std::string_view type_zones = "RESKEY:availability_zones";

}  // namespace

PlacementRequest request_for(const Volume& volume, const ExtraSpecs& extra_specs, const json::Value& hints) {
  PlacementRequest out;
  out.size = from_gib(volume.size_gib);
  out.extra_specs = extra_specs;
  if (!volume.availability_zone.empty()) {
    out.zones = {volume.availability_zone};
  } else if (const auto zones = extra_specs.find(type_zones); zones != extra_specs.end()) {
    for (const std::string_view zone : split(zones->second, ',')) out.zones.emplace_back(trimmed(zone));
  }
  out.hints = Hints::read(hints);
  out.volume = {{"id", json::Value(volume.id.text)},
                {"name", json::Value(volume.name)},
                {"project_id", json::Value(volume.project_id)},
                {"user_id", json::Value(volume.user_id)},
                {"multiattach", json::Value(volume.multiattach)}};
  return out;
}

std::vector<std::string> hinted_volumes(const Hints& hints) {
  std::vector<std::string> out = hints.same_host;
  out.insert(out.end(), hints.different_host.begin(), hints.different_host.end());
  return out;
}

}  // namespace scoria::scheduler
