#pragma once
#include <span>
#include <string_view>

namespace scoria::policy {

/// One rule as it holds when no file says otherwise.
struct DefaultRule {
  std::string_view name;
  std::string_view check;             // oslo.policy's language
  std::string_view persona;           // whom the check is meant for, in words
  std::string_view deprecated_name;   // the older name a policy file may still use; empty: there was none
  std::string_view deprecated_check;  // what held under it; empty text lets everybody in
};

std::span<const DefaultRule> default_rules();

}  // namespace scoria::policy
