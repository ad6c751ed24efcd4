#pragma once
#include <optional>
#include <string_view>

#include "json/value.h"

namespace scoria::api {

/// Reads a Python literal, as clients write list filters: 'text', "text", 12, 1.5, True, False, None, [..], (..), {..}.
/// Dictionary keys become texts. Nothing when the text is no literal: then it stands for itself.
std::optional<json::Value> read_python_literal(std::string_view text);

}  // namespace scoria::api
