#include "scheduler/driver_functions.h"

#include <algorithm>
#include <charconv>

#include "scheduler/specs.h"

namespace scoria::scheduler {
namespace {

ExpressionValue from_text(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!text.empty() && error == std::errc{} && end == text.data() + text.size()) return number;
  return std::string(text);
}

Result<ExpressionValue> from_json(const json::Value& value, std::string_view scope, std::string_view name) {
  if (value.is_bool()) return value.boolean();
  if (value.is_number()) return value.number();
  if (value.is_string()) return from_text(value.string());
  return refuse(RefusalCode::invalid_input, "there is no {}.{}", scope, name);
}

Result<ExpressionValue> spec(const std::map<std::string, std::string, std::less<>>& specs, std::string_view scope, std::string_view name) {
  const auto found = specs.find(name);
  if (found == specs.end()) return refuse(RefusalCode::invalid_input, "there is no {}.{}", scope, name);
  return from_text(found->second);
}

}  // namespace

Variables variables_of(const Candidate& candidate, const PlacementRequest& request) {
  return [&candidate, &request](std::string_view scope, std::string_view name) -> Result<ExpressionValue> {
    if (scope == "stats" || scope == "capabilities") return from_json(candidate.facts[name], scope, name);
    if (scope == "extra") return spec(request.extra_specs, scope, name);
    if (scope == "qos") return spec(request.qos_specs, scope, name);
    if (scope != "volume") return refuse(RefusalCode::invalid_input, "there is no {}.{}", scope, name);
    if (name == "size") return static_cast<double>(request.size.count) / static_cast<double>(gib);
    const auto found = request.volume.find(name);
    return from_json(found == request.volume.end() ? json::Value() : found->second, scope, name);
  };
}

double goodness_of(const Candidate& candidate, const PlacementRequest& request) {
  if (candidate.pool.goodness_function.empty()) return 0;
  const Result<ExpressionValue> value = evaluate(candidate.pool.goodness_function, variables_of(candidate, request));
  if (!value) return 0;
  if (const bool* flag = std::get_if<bool>(&*value)) return *flag ? 100 : 0;
  const double* number = std::get_if<double>(&*value);
  return number == nullptr ? 0 : std::clamp(*number, 0.0, 100.0);
}

}  // namespace scoria::scheduler
