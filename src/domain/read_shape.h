#pragma once
#include <string_view>

#include "base/result.h"
#include "json/value.h"

namespace scoria {

/// The start of every reader of a stored shape: the JSON, refused `unsupported` if a newer build wrote it. Its `version`
/// says which members to expect; what is absent has its default.
Result<json::Value> read_shape(std::string_view text, int newest, std::string_view shape);

}  // namespace scoria
