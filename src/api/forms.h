#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "api/fields.h"

namespace scoria::api {

/// Why a value, whose JSON kind is right, does not have the form; nothing when it has. `words` as in SchemaField.
std::optional<std::string> broken_form(Form form, std::string_view words, const json::Value& value);

}  // namespace scoria::api
