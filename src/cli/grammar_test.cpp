#include "cli/grammar.h"

#include <gtest/gtest.h>

#include <set>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/resources.h"

namespace scoria::cli {
namespace {

struct Told {
  Parsed parsed;
  std::string out, error;
};

Told told(const std::vector<std::string>& words) {
  static const std::vector<Verb> verbs = client_verbs();
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Told out{parse(verbs, words), {}, {}};
  out.out = testing::internal::GetCapturedStdout(), out.error = testing::internal::GetCapturedStderr();
  return out;
}

TEST(Grammar, a_verb_gets_its_arguments_and_options) {
  const Parsed parsed =
      told({"volume", "create", "v", "--size", "10G", "--property", "a=1", "--wait", "--property=b=2", "-o", "json", "-c", "id", "-c", "name"})
          .parsed;
  ASSERT_NE(parsed.verb, nullptr);
  EXPECT_EQ(parsed.verb->noun + " " + parsed.verb->name, "volume create");
  EXPECT_EQ(parsed.given.text("name"), "v");
  EXPECT_EQ(parsed.given.text("size"), "10G");
  EXPECT_EQ(parsed.given.all("property"), (std::vector<std::string>{"a=1", "b=2"}));
  EXPECT_EQ(parsed.given.all("column"), (std::vector<std::string>{"id", "name"}));
  EXPECT_TRUE(parsed.given.has("wait"));
  EXPECT_FALSE(parsed.given.has("type"));
  EXPECT_EQ(parsed.given.text("output"), "json");
}

TEST(Grammar, several_resources_are_deleted_at_once) {
  const Parsed parsed = told({"volume", "delete", "a", "b", "--cascade"}).parsed;
  ASSERT_NE(parsed.verb, nullptr);
  EXPECT_EQ(parsed.given.all("volume"), (std::vector<std::string>{"a", "b"}));
}

TEST(Grammar, the_wrong_word_is_named_with_the_nearest_right_one) {
  const Told noun = told({"volum", "list"});
  EXPECT_EQ(noun.parsed.exit_code, 2);
  EXPECT_NE(noun.error.find("There is no 'volum' here; did you mean 'volume'?"), std::string::npos) << noun.error;
  const Told verb = told({"volume", "creat"});
  EXPECT_EQ(verb.parsed.exit_code, 2);
  EXPECT_NE(verb.error.find("did you mean 'create'? There is create, list, show"), std::string::npos) << verb.error;
}

TEST(Grammar, what_is_missing_is_told_with_where_to_read_on) {
  const Told nothing = told({"volume", "create"});
  EXPECT_EQ(nothing.parsed.exit_code, 2);
  EXPECT_NE(nothing.error.find("name"), std::string::npos) << nothing.error;
  EXPECT_NE(nothing.error.find("`scoria volume create --help`"), std::string::npos) << nothing.error;
  EXPECT_EQ(told({"volume", "list", "-o", "yaml"}).parsed.exit_code, 2);
}

TEST(Grammar, help_goes_to_standard_output_and_is_no_mistake) {
  const Told all = told({"--help"});
  EXPECT_EQ(all.parsed.exit_code, 0);
  EXPECT_EQ(all.error, "");
  for (const char* noun : {"volume", "snapshot", "type", "attachment", "quota", "service", "operation", "attach", "detach", "status"})
    EXPECT_NE(all.out.find(std::string("\n  ") + noun), std::string::npos) << noun;
  EXPECT_NE(told({"volume", "create", "--help"}).out.find("--size"), std::string::npos);
}

TEST(Grammar, each_verb_has_help_and_its_own_name) {
  std::set<std::string> seen;
  for (const Verb& verb : client_verbs()) {
    EXPECT_TRUE(seen.insert(verb.noun + " " + verb.name).second) << verb.noun << ' ' << verb.name;
    EXPECT_FALSE(verb.help.empty());
    EXPECT_TRUE(verb.run != nullptr || verb.local);
    std::vector<std::string> words;
    for (const std::string_view part : split(verb.noun, ' '))
      if (!part.empty()) words.emplace_back(part);
    words.insert(words.end(), {verb.name, "--help"});
    EXPECT_EQ(told(words).error, "") << verb.noun << ' ' << verb.name << " cannot be said";
  }
}

TEST(Sizes, are_whole_gibibytes_rounded_up) {
  EXPECT_EQ(gib_of("10").value_or(0), 10);
  EXPECT_EQ(gib_of("10G").value_or(0), 10);
  EXPECT_EQ(gib_of("1.5TiB").value_or(0), 1536);
  EXPECT_EQ(gib_of("2048M").value_or(0), 2);
  EXPECT_EQ(gib_of("1025m").value_or(0), 2);
  for (const char* none : {"", "G", "-1", "0", "ten", "10X", "1e99"}) EXPECT_FALSE(gib_of(none)) << none;
}

TEST(ExitCodes, are_what_the_reference_promises) {
  const auto of = [](RefusalCode code, const char* detail = "") { return exit_code({code, "", detail}); };
  EXPECT_EQ(of(RefusalCode::backend_failed), 1);
  EXPECT_EQ(of(RefusalCode::not_found), 3);
  EXPECT_EQ(of(RefusalCode::invalid_state), 4);
  EXPECT_EQ(of(RefusalCode::forbidden), 5);
  EXPECT_EQ(of(RefusalCode::over_quota), 6);
  EXPECT_EQ(of(RefusalCode::timed_out), 7);
  EXPECT_EQ(of(RefusalCode::unavailable), 8);
  EXPECT_EQ(of(RefusalCode::timed_out, "interrupted"), 130);
}

TEST(Hints, say_what_to_do_unless_the_message_does) {
  const Verb verb{"volume", "delete", "", {}, {}};
  EXPECT_NE(hint_for({RefusalCode::invalid_state, "Invalid volume: in use.", ""}, verb).find("`scoria volume show`"), std::string::npos);
  EXPECT_EQ(hint_for({RefusalCode::invalid_state, "Say `scoria x` first.", ""}, verb), "");
}

}  // namespace
}  // namespace scoria::cli
