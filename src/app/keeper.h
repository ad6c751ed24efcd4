#pragma once
#include <optional>
#include <string>
#include <vector>

namespace scoria::app {

/// The keeper of a leash (exports/leash.h), for a command line of `scoria --keep-leash DIRECTORY`; nothing for any other.
std::optional<int> keep_leash(const std::vector<std::string>& arguments);

}  // namespace scoria::app
