#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "identity/policy.h"
#include "identity/policy_rule.h"

/// Any bytes as a policy file and as one rule: a policy that can be asked every way, or a refusal that says why.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  scoria::Context context;
  context.project_id = "p1";
  context.roles = {"member"};
  const scoria::PolicyTarget target{{"project_id", "p1"}, {"x", "y"}};
  for (const bool enforce : {false, true}) {
    const auto policy = scoria::Policy::from_text(text, "fuzz", enforce);
    if (!policy) {
      SCORIA_CHECK(!policy.error().message.empty(), "a refusal without a reason");
      continue;
    }
    for (const char* rule : {"volume:get", "volume:delete", "admin_api"}) {
      static_cast<void>((*policy)->allows(rule, context, target));
      static_cast<void>((*policy)->allows(rule, context));
    }
  }
  static_cast<void>(scoria::policy::parse_rule(text));
  return 0;
}
