// The three small languages in which places are asked for: extra specs, queries and driver functions.
#include <gtest/gtest.h>

#include "json/parse.h"
#include "scheduler/expression.h"
#include "scheduler/query.h"
#include "scheduler/specs.h"

namespace scoria::scheduler {
namespace {

json::Value value(const char* json) { return json::parse(json).value(); }

TEST(ExtraSpecs, every_operator_means_what_cinder_means) {
  struct Row {
    const char* value;
    const char* requirement;
    bool met;
  };
  const Row rows[] = {
      {R"("fast")", "fast", true},          {R"("fast")", "slow", false},         {"true", "True", true},           {"true", "true", false},
      {"5", "5", true},                     {"1.5", "1.5", true},                 {"true", "<is> True", true},      {R"("yes")", "<is> true", true},
      {"false", "<is> False", true},        {R"("nonsense")", "<is> False", true},{"true", "<is> False", false},    {"true", "<is>", false},
      {R"("abcdef")", "<in> cde", true},    {R"("abcdef")", "<in> xyz", false},   {"12", "= 5", true},              {"4", "= 5", false},
      {"5", "== 5.0", true},                {"5", "!= 5", false},                 {"5", ">= 5", true},              {"5", "<= 4", false},
      {R"("10")", ">= 9", true},            {R"("ten")", ">= 9", false},          {"5", "==", false},               {R"("b")", "s== b", true},
      {R"("b")", "s!= b", false},           {R"("b")", "s< c", true},             {R"("b")", "s<= b", true},        {R"("b")", "s> a", true},
      {R"("b")", "s>= c", false},           {R"("b")", "<or> a <or> b", true},    {R"("c")", "<or> a <or> b", false},
      {R"("")", "", true},                  {R"("a b")", "a b", true},            {"null", "None", false},          {R"({"a":1})", "x", false},
      {R"("> 5")", "> 5", true},
  };
  for (const Row& row : rows) EXPECT_EQ(meets(value(row.value), row.requirement), row.met) << row.value << " / " << row.requirement;
}

TEST(ExtraSpecs, keys_reach_into_what_is_reported) {
  const json::Value facts = value(R"({"a":{"b":"x"},"list":["p","q"],"storage_protocol":"NVMeOF"})");
  std::string why;
  EXPECT_TRUE(capability_meets(facts, "capabilities:a:b", "x", why));
  EXPECT_FALSE(capability_meets(facts, "capabilities:a:c", "x", why));
  EXPECT_EQ(why, "the volume type wants capabilities:a:c = 'x', the pool does not report a:c");
  EXPECT_TRUE(capability_meets(facts, "list", "q", why));
  EXPECT_FALSE(capability_meets(facts, "list", "r", why));
  EXPECT_TRUE(capability_meets(facts, "storage_protocol", "nvmeof", why));
  EXPECT_FALSE(capability_meets(facts, "storage_protocol", "iSCSI", why));
  EXPECT_TRUE(capability_meets(facts, "vendor:tier", "gold", why));
  EXPECT_TRUE(capability_meets(facts, "RESKEY:availability_zones", "one", why));
}

Result<bool> ask(const char* query) {
  return answers(value(query), value(R"({"free_capacity_gb":50,"pool_name":"fast","thin":true,"unknown":"unknown","a":{"b":3}})"));
}

TEST(Query, commands_compare_facts) {
  for (const char* yes : {R"(["=","$pool_name","fast"])", R"([">","$free_capacity_gb",49])", R"([">=","$free_capacity_gb",50,49.5])", R"(["<","$a.b",4])",
                          R"(["in","$pool_name","slow","fast"])", R"(["not",["=","$pool_name","slow"]])", R"(["=","$thin",true])", R"(["=","$capabilities.pool_name","fast"])",
                          R"(["and",["<=","$free_capacity_gb",50],["or",["=","$pool_name","x"],["=",1,1]]])"}) {
    EXPECT_TRUE(ask(yes).value()) << yes;
  }
  for (const char* no : {R"(["=","$pool_name"])", R"([">","$nothing",1])", R"([">","$unknown",1])", R"(["or"])", R"(["in","$pool_name"])", R"(["=","$thin",1])"}) {
    EXPECT_FALSE(ask(no).value()) << no;
  }
}

TEST(Query, what_is_no_query_is_refused) {
  for (const char* bad : {R"("text")", "[]", R"(["like","$pool_name","f"])", "{}", R"([["="],1])", R"(["and",["xor",1,2]])"}) EXPECT_FALSE(ask(bad)) << bad;
  std::string deep = R"(["=",1,1])";
  for (int depth = 0; depth < 25; ++depth) deep = "[\"and\"," + deep + "]";
  EXPECT_TRUE(ask(deep.c_str()));
}

Result<ExpressionValue> lookup(std::string_view scope, std::string_view name) {
  if (scope == "stats" && name == "free") return 40.0;
  if (scope == "extra" && name == "capabilities:tier") return std::string("gold");
  if (scope == "volume" && name == "order") return 1.0;
  return refuse(RefusalCode::invalid_input, "there is no {}.{}", scope, name);
}

std::string calculated(std::string_view expression) {
  const Result<ExpressionValue> result = evaluate(expression, lookup);
  if (!result) return "refused: " + result.error().message;
  if (const bool* flag = std::get_if<bool>(&*result)) return *flag ? "true" : "false";
  if (const double* number = std::get_if<double>(&*result)) return fmt::format("{:g}", *number);
  return std::get<std::string>(*result);
}

TEST(Expression, arithmetic_has_its_usual_order) {
  EXPECT_EQ(calculated("1 + 2 * 3 - 4 / 2"), "5");
  EXPECT_EQ(calculated("2 ^ 3 ^ 2"), "512");
  EXPECT_EQ(calculated("-2 ^ 2"), "-4");
  EXPECT_EQ(calculated("(1 + 2) * -3"), "-9");
  EXPECT_EQ(calculated("1.5e1"), "15");
  EXPECT_EQ(calculated("max(1, stats.free, 3) + min(2, 1) + abs(-7)"), "48");
}

TEST(Expression, conditions_and_words) {
  EXPECT_EQ(calculated("stats.free > 39 and not (stats.free >= 41)"), "true");
  EXPECT_EQ(calculated("stats.free < 1 or 0"), "false");
  EXPECT_EQ(calculated("1 & 0 | 1"), "true");
  EXPECT_EQ(calculated("!0"), "true");
  EXPECT_EQ(calculated("stats.free == 40 ? 'yes' : 'no'"), "yes");
  EXPECT_EQ(calculated("0 ? 1 : 0 ? 2 : 3"), "3");
  EXPECT_EQ(calculated("extra.capabilities:tier == \"gold\""), "true");
  EXPECT_EQ(calculated("extra.capabilities:tier != 5"), "true");
  EXPECT_EQ(calculated("1 <> 2"), "true");
  EXPECT_EQ(calculated("volume.order"), "1");
}

TEST(Expression, what_cannot_be_evaluated_is_refused) {
  for (const char* bad : {"", "1 +", "1 2", "stats", "stats.nothing", "1 / 0", "'a' + 1", "'a' < 1", "foo(1)", "abs(1, 2)", "max('a')", "(1", "'open", "1 ? 2", "9^9999", "@", "1..2"}) {
    EXPECT_EQ(calculated(bad).substr(0, 8), "refused:") << bad;
  }
  EXPECT_EQ(calculated(std::string(5000, '(')).substr(0, 8), "refused:");
  EXPECT_EQ(calculated(std::string(5000, '-') + "1").substr(0, 8), "refused:");
  EXPECT_EQ(calculated(std::string(5000, '!') + "1").substr(0, 8), "refused:");
}

}  // namespace
}  // namespace scoria::scheduler
