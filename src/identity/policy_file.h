#pragma once
#include <map>
#include <string>
#include <string_view>

#include "identity/policy_rule.h"

namespace scoria::policy {

/// One rule of a policy file.
struct FileRule {
  Expression expression;
  int line = 0;  // from 1
};
using FileRules = std::map<std::string, FileRule, std::less<>>;

/// Reads a policy.yaml (or .json): a map from rule names to rule texts, or to lists of lists in the form that came before
/// them (the outer list is "or", inner lists are "and"). Refuses anything else with `name`, line, rule and position.
Result<FileRules> read_rules(std::string_view yaml, const std::string& name);

}  // namespace scoria::policy
