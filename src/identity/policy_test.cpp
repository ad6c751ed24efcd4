#include "identity/policy.h"

#include <gtest/gtest.h>

#include <chrono>

#include "identity/policy_defaults.h"
#include "identity/policy_rule.h"

namespace scoria {
namespace {

using Roles = std::vector<std::string>;

Context caller(std::string project, Roles roles) {
  Context out;
  out.user_id = "u1";
  out.project_id = std::move(project);
  out.roles = std::move(roles);
  return out;
}

const Context admin = caller("p1", {"admin", "member", "reader"});
const Context member = caller("p1", {"member", "reader"});
const Context reader = caller("p1", {"reader"});
const Context nobody = caller("p1", {});
const Context other_member = caller("p2", {"member", "reader"});
const PolicyTarget ours{{"project_id", "p1"}, {"user_id", "u1"}};

std::shared_ptr<const Policy> policy_of(std::string_view yaml, bool enforce_new_defaults = true) {
  auto out = Policy::from_text(yaml, "policy.yaml", enforce_new_defaults);
  EXPECT_TRUE(out.has_value()) << (out ? "" : out.error().message);
  return out ? *out : nullptr;
}

std::string error_of(std::string_view yaml) {
  auto out = Policy::from_text(yaml, "policy.yaml");
  return out ? "no error" : out.error().message;
}

/// Whether `rule_text` lets `context` do it.
bool allowed(std::string_view rule_text, const Context& context, const PolicyTarget& target = {}) {
  std::string quoted;
  for (const char c : rule_text) quoted += c == '\'' ? "''" : std::string(1, c);
  return policy_of(fmt::format("volume:get: '{}'", quoted))->allows("volume:get", context, target);
}

// ---- the defaults ----

TEST(PolicyDefaults, every_rule_lets_in_the_persona_it_is_meant_for_and_nobody_else) {
  const auto policy = policy_of("");
  std::map<std::string_view, int> seen;
  for (const policy::DefaultRule& rule : policy::default_rules()) {
    if (rule.persona == "base rule") continue;
    ++seen[rule.persona];
    const bool members = rule.persona == "project member or admin" || rule.persona == "project reader or admin";
    EXPECT_TRUE(policy->allows(rule.name, admin, ours)) << rule.name;
    EXPECT_TRUE(policy->allows(rule.name, caller("p9", {"admin"}), ours)) << rule.name;  // of any project
    EXPECT_EQ(policy->allows(rule.name, member, ours), members) << rule.name;
    EXPECT_EQ(policy->allows(rule.name, reader, ours), rule.persona == "project reader or admin") << rule.name;
    EXPECT_FALSE(policy->allows(rule.name, nobody, ours)) << rule.name;
    EXPECT_FALSE(policy->allows(rule.name, other_member, ours)) << rule.name;
    EXPECT_EQ(policy->allows(rule.name, other_member), members) << rule.name;  // asked about their own project
  }
  EXPECT_EQ(seen, (std::map<std::string_view, int>{{"admin", 78}, {"project member or admin", 56}, {"project reader or admin", 27}}));
}

TEST(PolicyDefaults, base_rules_say_who_is_admin_or_owner) {
  const auto policy = policy_of("");
  Context flagged = nobody;
  flagged.is_admin = true;
  Context elsewhere = admin;
  elsewhere.is_admin_project = false;
  EXPECT_TRUE(policy->allows("context_is_admin", admin));
  EXPECT_FALSE(policy->allows("context_is_admin", member));
  EXPECT_TRUE(policy->allows("admin_api", flagged));
  EXPECT_TRUE(policy->allows("admin_api", admin));
  EXPECT_FALSE(policy->allows("admin_api", elsewhere));
  EXPECT_TRUE(policy->allows("admin_or_owner", nobody, ours));
  EXPECT_FALSE(policy->allows("admin_or_owner", other_member, ours));

  Context system = caller("", {"admin"});
  system.system_scope = true;
  Context domain = caller("", {"admin"});
  domain.domain_id = "d1";
  const PolicyTarget target{{"project_id", "p1"}, {"domain_id", "d1"}};
  EXPECT_TRUE(policy->allows("system_or_domain_or_project_admin", system, target));
  EXPECT_TRUE(policy->allows("system_or_domain_or_project_admin", domain, target));
  EXPECT_TRUE(policy->allows("system_or_domain_or_project_admin", admin, target));
  EXPECT_FALSE(policy->allows("system_or_domain_or_project_admin", caller("p2", {"admin"}), target));
}

TEST(PolicyDefaults, older_defaults_stay_open_until_new_ones_are_enforced) {
  const auto old = policy_of("", false);
  EXPECT_TRUE(old->allows("volume:get", nobody, ours));                // rule:admin_or_owner
  EXPECT_FALSE(old->allows("volume:get", other_member, ours));
  EXPECT_TRUE(old->allows("volume:create", nobody, ours));             // was open to all
  EXPECT_FALSE(old->allows("volume:force_delete", member, ours));      // has no older default
  EXPECT_FALSE(policy_of("")->allows("volume:create", nobody, ours));
  for (const policy::DefaultRule& rule : policy::default_rules()) EXPECT_TRUE(old->allows(rule.name, admin, ours)) << rule.name;
}

TEST(PolicyDefaults, a_refusal_names_the_rule) {
  const auto refused = policy_of("")->enforce("volume:force_delete", member, ours);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::forbidden);
  EXPECT_EQ(refused.error().message, "Policy doesn't allow volume:force_delete to be performed.");
  EXPECT_TRUE(policy_of("")->enforce("volume:force_delete", admin, ours));
}

// ---- the language ----

TEST(PolicyLanguage, operators_bind_as_not_and_or) {
  EXPECT_TRUE(allowed("role:reader or role:x and role:y", reader));
  EXPECT_FALSE(allowed("(role:reader or role:x) and role:y", reader));
  EXPECT_TRUE(allowed("not role:x and role:reader", reader));
  EXPECT_FALSE(allowed("not (role:x or role:reader)", reader));
  EXPECT_TRUE(allowed("NOT NOT role:reader", reader));
  EXPECT_TRUE(allowed("((role:reader))", reader));
  EXPECT_TRUE(allowed("", nobody));
  EXPECT_TRUE(allowed("@", nobody));
  EXPECT_FALSE(allowed("!", admin));
}

TEST(PolicyLanguage, checks_compare_the_caller_with_the_target) {
  EXPECT_TRUE(allowed("project_id:%(project_id)s", member, ours));
  EXPECT_FALSE(allowed("project_id:%(project_id)s", other_member, ours));
  EXPECT_TRUE(allowed("project_id:%(project_id)s", other_member));
  EXPECT_TRUE(allowed("user_id:%(user_id)s", member, ours));
  EXPECT_FALSE(allowed("user_id:%(owner)s", member, ours));
  EXPECT_TRUE(allowed("'public':%(visibility)s", nobody, {{"visibility", "public"}}));
  EXPECT_FALSE(allowed("'public':%(visibility)s", nobody, {{"visibility", "private"}}));
  EXPECT_TRUE(allowed("True:%(is_public)s", nobody, {{"is_public", "True"}}));
  EXPECT_TRUE(allowed("role:%(needed)s", reader, {{"needed", "READER"}}));
  EXPECT_TRUE(allowed("role:Reader", reader));
  EXPECT_TRUE(allowed("project_id:p%(number)s", reader, {{"number", "1"}}));
  EXPECT_TRUE(allowed("roles:reader", reader));
  EXPECT_TRUE(allowed("project_id:p1", reader));
}

TEST(PolicyLanguage, an_attribute_the_caller_lacks_equals_nothing) {
  const Context unscoped = caller("", {"reader"});
  EXPECT_FALSE(allowed("project_id:%(project_id)s", unscoped));
  EXPECT_FALSE(allowed("project_id:%(project_id)s", unscoped, {{"project_id", ""}}));
  EXPECT_FALSE(allowed("domain_id:%(domain_id)s", unscoped, {{"domain_id", ""}}));
}

TEST(PolicyLanguage, lists_of_lists_mean_or_of_ands) {
  const auto policy = policy_of("volume:get: [[\"role:reader\", \"project_id:p1\"], [\"role:admin\"], \"role:boss\"]\nvolume:delete: []\n");
  EXPECT_TRUE(policy->allows("volume:get", reader));
  EXPECT_FALSE(policy->allows("volume:get", other_member));
  EXPECT_TRUE(policy->allows("volume:get", caller("p7", {"admin"})));
  EXPECT_TRUE(policy->allows("volume:get", caller("p7", {"boss"})));
  EXPECT_TRUE(policy->allows("volume:delete", nobody));
}

TEST(PolicyLanguage, what_cannot_be_read_is_refused_with_its_place) {
  const std::pair<const char*, const char*> cases[] = {
      {"role:a and", "a check is missing at character 11"},
      {"and role:a", "a check expected, found 'and' at character 1"},
      {"role:a role:b", "'and' or 'or' expected, found 'role:b' at character 8"},
      {"(role:a", "'(' that is never closed at character 1"},
      {"role:a)", "')' without '(' at character 7"},
      {"()", "a check expected, found ')' at character 2"},
      {"admin", "'admin' is no check (kind:match) at character 1"},
      {"rule:", "'rule:' names no rule at character 1"},
      {"projekt_id:x", "'projekt_id' is no attribute of a caller (did you mean 'project_id'?), at character 1"},
      {"project_id:%(project_id)", "'%' that is neither %(key)s nor %% at character 12"},
      {"project_id:%(a)d", "'%' that is neither %(key)s nor %% at character 12"},
      {"project_id:%", "'%' that is neither %(key)s nor %% at character 12"},
      {"not(role:a)", "'not(role' is no attribute of a caller, at character 1"},
      {"role:a(b", "a parenthesis inside a check: %(key)s is meant? at character 7"},
      {"http://policy.example/check", "checks that ask another server (http:) are not supported"},
  };
  for (const auto& [text, message] : cases) {
    const auto parsed = policy::parse_rule(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find(message), std::string::npos) << text << " -> " << parsed.error().message;
  }
  std::string deep(1000, '(');
  EXPECT_FALSE(policy::parse_rule(deep + "@" + std::string(1000, ')')));
  std::string nots;
  for (int i = 0; i < 1000; ++i) nots += "not ";
  EXPECT_FALSE(policy::parse_rule(nots + "@"));
}

// ---- the file ----

TEST(PolicyFile, overrides_defaults_and_may_define_rules_of_its_own) {
  const auto policy = policy_of("# comment\nstorage_crew: role:storage\n'volume:delete': rule:storage_crew or rule:admin_api\n");
  EXPECT_TRUE(policy->allows("volume:delete", caller("p3", {"storage"}), ours));
  EXPECT_FALSE(policy->allows("volume:delete", member, ours));
  EXPECT_TRUE(policy->allows("volume:get", reader, ours));
  EXPECT_TRUE(policy->warnings().empty());
}

TEST(PolicyFile, an_unknown_rule_is_a_warning_with_a_suggestion) {
  const auto policy = policy_of("volume:delte: '!'\n");
  ASSERT_EQ(policy->warnings().size(), 1U);
  EXPECT_EQ(policy->warnings()[0], "policy.yaml:1: no such rule: 'volume:delte' (did you mean 'volume:delete'?); it changes nothing");
  EXPECT_TRUE(policy->allows("volume:delete", member, ours));
}

TEST(PolicyFile, an_older_name_still_rules_until_the_new_one_stands_there) {
  const auto policy = policy_of("volume_extension:types_manage: role:typist\nvolume_extension:type_update: '!'\n");
  EXPECT_TRUE(policy->allows("volume_extension:type_create", caller("p1", {"typist"})));
  EXPECT_FALSE(policy->allows("volume_extension:type_create", admin));
  EXPECT_FALSE(policy->allows("volume_extension:type_update", caller("p1", {"typist"})));
  ASSERT_FALSE(policy->warnings().empty());
  EXPECT_NE(policy->warnings()[0].find("is now called 'volume_extension:type_create'"), std::string::npos);
  const auto alias = policy_of("volume_extension:types_manage: rule:volume_extension:type_create\n");
  EXPECT_TRUE(alias->allows("volume_extension:type_create", admin));
}

TEST(PolicyFile, cycles_unknown_names_and_endless_growth_are_refused) {
  EXPECT_NE(error_of("a: rule:b\nb: rule:c or role:x\nc: not rule:a\n").find("leads back to itself"), std::string::npos);
  EXPECT_NE(error_of("volume:get: rule:volume:get\n").find("policy.yaml:1: rule 'volume:get' leads back to itself"), std::string::npos);
  EXPECT_EQ(error_of("\nvolume:get: rule:admin_ap\n"),
            "policy.yaml:2: rule 'volume:get' names the unknown rule 'admin_ap' (did you mean 'admin_api'?)");
  std::string doubling = "r0: role:a\n";
  for (int i = 1; i < 40; ++i) doubling += fmt::format("r{}: rule:r{} or rule:r{}\n", i, i - 1, i - 1);
  EXPECT_NE(error_of(doubling).find("expands to more than"), std::string::npos);
  std::string chain;
  for (int i = 0; i < 20000; ++i) chain += fmt::format("r{}: rule:r{}\n", i, i + 1);
  EXPECT_NE(error_of(chain + "r20000: '@'\n").find("expands to more than"), std::string::npos);
}

TEST(PolicyFile, what_is_no_policy_file_is_refused_with_its_line) {
  EXPECT_EQ(error_of("- a\n- b\n"), "policy.yaml: a policy file is a map from rule names to rules");
  EXPECT_EQ(error_of("volume:get: role:a and\n").substr(0, 45), "policy.yaml:1: rule 'volume:get': a check is ");
  EXPECT_NE(error_of("volume:get:\n").find("a rule is a text"), std::string::npos);
  EXPECT_NE(error_of("volume:get: {a: b}\n").find("a rule is a text"), std::string::npos);
  EXPECT_NE(error_of("volume:get: [[[a]]]\n").find("lists nest two deep"), std::string::npos);
  EXPECT_EQ(error_of("a: '@'\n\na: '!'\n"), "policy.yaml:3: rule 'a' stands in line 1 already");
  EXPECT_NE(error_of("volume:get: [role:a\n").find("policy.yaml:2:"), std::string::npos);
  EXPECT_NE(error_of(std::string(2U << 20U, ' ')).find("larger than"), std::string::npos);
  EXPECT_FALSE(Policy::load("/nonexistent/policy.yaml"));
}

}  // namespace
}  // namespace scoria
