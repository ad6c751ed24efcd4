#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "identity/context.h"

namespace scoria {

/// What a rule is asked about: the owner of the resource and other attributes a rule may name with %(key)s.
/// An empty target stands for the caller's own project.
using PolicyTarget = std::map<std::string, std::string, std::less<>>;

/// The rules that say who may do what, in oslo.policy's language: 161 defaults and 6 base rules (policy_defaults.cpp),
/// overridden by a policy.yaml. Immutable once loaded; a reload makes a new one.
class Policy {
 public:
  /// Reads the override file; empty: none. Refuses what cannot be meant (unreadable file, bad rule text, unknown rule named
  /// by another, cycle), naming file, line, rule and character. Unless `enforce_new_defaults`, what the older default of
  /// a rule allowed stays allowed.
  static Result<std::shared_ptr<const Policy>> load(const std::string& yaml_file = {}, bool enforce_new_defaults = true);
  /// As load(), from the text of such a file; `name` stands for it in messages.
  static Result<std::shared_ptr<const Policy>> from_text(std::string_view yaml, const std::string& name, bool enforce_new_defaults = true);
  ~Policy();
  /// What the file says that is probably not meant: rules nobody asks for, names that are no longer used.
  const std::vector<std::string>& warnings() const;
  /// Unknown rule: a bug, asserted.
  bool allows(std::string_view rule, const Context& context, const PolicyTarget& target = {}) const;
  /// As allows(), as a refusal: forbidden, "Policy doesn't allow <rule> to be performed."
  Result<> enforce(std::string_view rule, const Context& context, const PolicyTarget& target = {}) const;

 private:
  struct Rules;
  explicit Policy(std::unique_ptr<Rules> rules);
  std::unique_ptr<Rules> rules_;
};

}  // namespace scoria
