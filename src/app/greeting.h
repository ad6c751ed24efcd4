#pragma once
#include <string>
#include <vector>

#include "identity/local_bootstrap.h"

namespace scoria::app {

/// What the very first start tells: where Scoria is, where the credentials are, the next commands to paste, and `remarks`. The
/// password is in it only if it could not be kept in a file.
std::string greeting(const local::FirstStart& first, const std::vector<std::string>& remarks);

}  // namespace scoria::app
