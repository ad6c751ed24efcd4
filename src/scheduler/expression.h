#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

/// The small language of filter_function and goodness_function: numbers, texts, variables (`stats.free_capacity_gb`),
/// + - * / ^, comparisons, and or not (& | !), a ? b : c, abs, max, min, parentheses.
namespace scoria::scheduler {

using ExpressionValue = std::variant<bool, double, std::string>;

/// Gives the value of `scope.name`; refuses for what there is not.
using Variables = std::function<Result<ExpressionValue>(std::string_view scope, std::string_view name)>;

/// Refuses invalid_input: bad syntax with its place, an unknown variable, texts in arithmetic, a division by zero.
Result<ExpressionValue> evaluate(std::string_view expression, const Variables& variables);

bool is_true(const ExpressionValue& value);

}  // namespace scoria::scheduler
