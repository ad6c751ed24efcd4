#pragma once
#include <string_view>

#include "base/result.h"
#include "commands/services.h"
#include "domain/types/volume_type.h"
#include "store/quotas/quotas.h"

namespace scoria::commands {

/// Why a quota guard refused, in the words clients look for: which resource, what was asked, the limit, what is used.
Refusal explain_over_quota(const Services& services, const std::string& project, const VolumeType& type, std::string_view guard,
                           const store::quotas::Amount& asked, const store::quotas::Limits& limits);

}  // namespace scoria::commands
