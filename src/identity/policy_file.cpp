#include "identity/policy_file.h"

#include <yaml-cpp/yaml.h>

namespace scoria::policy {
namespace {

constexpr std::size_t max_file_bytes = 1U << 20U;

/// One inner item of the list form: a text is one check (or a whole expression), a list means all of its checks.
Result<Expression> all_of(const YAML::Node& item) {
  if (item.IsScalar()) return parse_rule(item.Scalar());
  Expression out{.kind = Expression::Kind::all};
  if (!item.IsSequence()) return refuse(RefusalCode::invalid_input, "a list may hold texts and lists of texts only");
  for (const YAML::Node& part : item) {
    if (!part.IsScalar()) return refuse(RefusalCode::invalid_input, "lists nest two deep at most and hold texts");
    Result<Expression> parsed = parse_rule(part.Scalar());
    if (!parsed) return parsed;
    out.parts.push_back(std::move(*parsed));
  }
  return out;
}

Result<Expression> any_of(const YAML::Node& list) {
  Expression out{.kind = Expression::Kind::any};
  for (const YAML::Node& item : list) {
    if (item.IsSequence() && item.size() == 0) continue;  // means nothing in this form, not "everybody"
    Result<Expression> parsed = all_of(item);
    if (!parsed) return parsed;
    out.parts.push_back(std::move(*parsed));
  }
  if (list.size() == 0) out.kind = Expression::Kind::always;
  return out;
}

Result<Expression> rule_of(const YAML::Node& value) {
  if (value.IsScalar()) return parse_rule(value.Scalar());
  if (value.IsSequence()) return any_of(value);
  return refuse(RefusalCode::invalid_input, "a rule is a text (\"\" or \"@\" lets everybody in, \"!\" nobody) or a list of lists");
}

Result<FileRules> rules_of(const YAML::Node& root, const std::string& name) {
  FileRules out;
  if (!root.IsDefined() || root.IsNull()) return out;
  if (!root.IsMap()) return refuse(RefusalCode::invalid_input, "{}: a policy file is a map from rule names to rules", name);
  for (const auto& entry : root) {
    const int line = entry.first.Mark().line + 1;
    if (!entry.first.IsScalar()) return refuse(RefusalCode::invalid_input, "{}:{}: a rule name is a text", name, line);
    const std::string& rule = entry.first.Scalar();
    Result<Expression> parsed = rule_of(entry.second);
    if (!parsed) return refuse(RefusalCode::invalid_input, "{}:{}: rule '{}': {}", name, line, rule, parsed.error().message);
    const auto [at, fresh] = out.emplace(rule, FileRule{std::move(*parsed), line});
    if (!fresh) return refuse(RefusalCode::invalid_input, "{}:{}: rule '{}' stands in line {} already", name, line, rule, at->second.line);
  }
  return out;
}

}  // namespace

Result<FileRules> read_rules(std::string_view yaml, const std::string& name) {
  if (yaml.size() > max_file_bytes) return refuse(RefusalCode::too_large, "{}: larger than {} bytes", name, max_file_bytes);
  try {
    return rules_of(YAML::Load(std::string(yaml)), name);
  } catch (const YAML::Exception& error) {
    return refuse(RefusalCode::invalid_input, "{}:{}: {}", name, error.mark.line + 1, error.msg);
  }
}

}  // namespace scoria::policy
