#pragma once
#include <functional>
#include <optional>
#include <string>

#include "commands/services.h"

namespace scoria::commands {

/// How often a command looks again at rows that changed under it before it refuses.
inline constexpr int most_tries = 8;

/// Runs `work` on rows as seen; nothing when somebody was faster (a guard failed, or it refused with the detail "again"),
/// or when nobody knows whether it was committed: look again. The ids of what it makes are chosen before the first try,
/// so that a try that arrived after all is recognised.
std::optional<Result<bool>> try_once(Services& services, const std::function<Result<bool>(db::Transaction&)>& work);
/// Whether the try that starts this operation arrived.
bool accepted_before(Services& services, const std::string& operation);

}  // namespace scoria::commands
