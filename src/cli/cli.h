#pragma once
#include <string>
#include <vector>

#include "cli/access.h"

namespace scoria::cli {

/// True for a first word that names something this client deals with: volume, snapshot, attach …
bool knows(const std::string& noun);

/// Runs one command line against a deployment and prints to stdout; errors, with what to do, to stderr. Exit codes: 0 done,
/// 1 failed, 2 usage, 3 not found, 4 conflict or wrong state, 5 denied, 6 quota, 7 still running.
int run(const std::vector<std::string>& words, const Environment& environment);

}  // namespace scoria::cli
