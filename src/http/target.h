#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace scoria::http {

struct Target {
  std::string path;  // as in Request
  std::vector<std::pair<std::string, std::string>> query;
};

/// Splits and decodes a request target: `/path?query`, `http://host/path?query`, or `*`. Refused (invalid_input): a path
/// with a broken escape, a ".." segment or a control character, a query with NUL, and both when they are no UTF-8. In the
/// query a broken escape stands for itself and '+' is a space, as in the servers that Cinder runs in.
Result<Target> read_target(std::string_view target);

}  // namespace scoria::http
