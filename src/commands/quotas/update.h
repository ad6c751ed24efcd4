#pragma once
#include <map>
#include <string>
#include <vector>

#include "commands/services.h"
#include "store/quotas/sets.h"

namespace scoria::commands {

using QuotaChanges = std::map<std::string, std::int64_t>;  // by key: "volumes", "volumes_fast"; -1 = unlimited

/// Sets limits of a project; what is not named stays. Refuses invalid_input for a key that nobody knows, and for a limit
/// below what the project uses. Returns the whole set.
Result<std::vector<store::quotas::Entry>> update_quotas(Services& services, const std::string& project, const QuotaChanges& changes);
/// The same for a class: class `default` is what projects start from.
Result<std::vector<store::quotas::Entry>> update_quota_class(Services& services, const std::string& name, const QuotaChanges& changes);
void reset_quotas(Services& services, const std::string& project);

}  // namespace scoria::commands
