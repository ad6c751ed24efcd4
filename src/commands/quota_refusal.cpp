#include "commands/quota_refusal.h"

#include <fmt/core.h>

namespace scoria::commands {

Refusal explain_over_quota(const Services& services, const std::string& project, const VolumeType& type, std::string_view guard,
                           const store::quotas::Amount& asked, const store::quotas::Limits& limits) {
  const bool of_type = guard == "quota.type";
  const store::quotas::Usage used =
      services.database.read([&](db::Transaction& tx) { return store::quotas::usage(tx, project, of_type ? type.id.text : std::string{}); });
  const auto limit = [&](std::string_view resource) { return of_type ? limits.of_type(resource) : limits.of_project(resource); };
  const auto name = [&](std::string_view resource) { return of_type ? fmt::format("{}_{}", resource, type.name) : std::string(resource); };
  const auto over = [](std::int64_t most, std::int64_t wanted, std::int64_t in_use) { return wanted > 0 && most >= 0 && in_use + wanted > most; };

  if (over(limit("volumes"), asked.volumes, used.volumes))
    return {RefusalCode::over_quota, fmt::format("Maximum number of volumes allowed ({}) exceeded for quota '{}'.", limit("volumes"), name("volumes")), name("volumes")};
  if (over(limit("snapshots"), asked.snapshots, used.snapshots))
    return {RefusalCode::over_quota, fmt::format("Maximum number of snapshots allowed ({}) exceeded for quota '{}'.", limit("snapshots"), name("snapshots")), name("snapshots")};
  return {RefusalCode::over_quota,
          fmt::format("Requested volume or snapshot exceeds allowed {} quota. Requested {}G, quota is {}G and {}G has been consumed.", name("gigabytes"),
                      asked.gigabytes, limit("gigabytes"), used.gigabytes),
          name("gigabytes")};
}

}  // namespace scoria::commands
