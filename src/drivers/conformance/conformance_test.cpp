#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "drivers/conformance/subjects.h"

namespace scoria::drivers::conformance {
namespace {

std::string failures_of(const std::vector<CheckResult>& results) {
  std::string out;
  for (const CheckResult& result : results)
    if (result.verdict == Verdict::failed) out += result.check + ": " + result.message + "\n";
  return out;
}

TEST(Conformance, the_fake_driver_passes) {
  SystemClock clock;
  EXPECT_EQ(failures_of(run(fake_subject(clock, {}), {})), "");
}

TEST(Conformance, the_fake_driver_passes_with_linked_clones_and_large_units) {
  SystemClock clock;
  EXPECT_EQ(failures_of(run(fake_subject(clock, {{"linked", "yes"}, {"unit", "10000000000"}}), {.seed = 2})), "");
}

TEST(Conformance, the_fake_driver_passes_with_slow_copies) {
  SystemClock clock;
  const std::vector<std::string> only{"a_copy_tells_its_progress", "a_stopped_copy_goes_on_where_it_was", "a_copy_ends_at_its_deadline", "a_half_made_copy_can_be_given_up",
                                      "a_copy_under_way_has_one_writer"};
  const auto results = run(fake_subject(clock, {{"copy_rate", "2000000000"}}), {.only = only});
  EXPECT_EQ(results.size(), only.size());
  EXPECT_EQ(failures_of(results), "");
}

TEST(Conformance, every_mistake_is_found_by_the_check_named_for_it) {
  SystemClock clock;
  for (std::size_t number = 1; number <= mutants().size(); ++number) {
    const Mutant& mutant = mutants()[number - 1];
    const auto results = run(broken_subject(clock, {{"mutant", std::to_string(number)}, {"copy_rate", "8000000000"}}), {.only = {mutant.caught_by}});
    ASSERT_EQ(results.size(), 1u) << mutant.caught_by;
    EXPECT_EQ(results.front().verdict, Verdict::failed) << number << ": " << mutant.mistake;
  }
  fmt::print("{} mistakes of a driver, each found by its check\n", mutants().size());
  EXPECT_GE(mutants().size(), 8u);
}

TEST(Conformance, bad_arguments_are_told) {
  const auto exit_code = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "scoria-conformance");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    return command(static_cast<int>(argv.size()), argv.data(), {{"fake", fake_subject}});
  };
  EXPECT_EQ(exit_code({"--driver", "none"}), 2);
  EXPECT_EQ(exit_code({"--driver"}), 2);
  EXPECT_EQ(exit_code({"--driver", "fake", "--option", "unit=x"}), 2);
  EXPECT_EQ(exit_code({"--driver", "fake", "--only", "no_such_check"}), 2);
  EXPECT_EQ(exit_code({"--driver", "fake", "--only", "names_are_kept_to_the_letter"}), 0);
}

}  // namespace
}  // namespace scoria::drivers::conformance
