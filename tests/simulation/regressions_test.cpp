#include "simulation/regressions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulation/seed.h"

namespace scoria::simulation {
namespace {

class Regressions : public ::testing::TestWithParam<Regression> {};
INSTANTIATE_TEST_SUITE_P(Run, Regressions, ::testing::ValuesIn(read_regressions(SCORIA_REGRESSIONS)),
                         [](const auto& tested) { return std::to_string(tested.index) + "_seed_" + std::to_string(tested.param.config.seed); });

TEST_P(Regressions, a_run_that_once_failed_is_clean) { EXPECT_THAT(run_seed(GetParam().config, false).failures, ::testing::IsEmpty()) << GetParam().why; }

TEST(RegressionLines, say_the_seed_and_what_is_not_as_it_draws_it) {
  SeedConfig config = SeedConfig::draw(12);
  config.nodes = 1;
  config.faults = "3,9-11";
  const Regression regression{config, "a reason"};
  const std::string path = ::testing::TempDir() + "regressions";
  FILE* const file = std::fopen(path.c_str(), "w");
  std::fprintf(file, "# a comment\n\n%s\n", line_of(regression).c_str());
  std::fclose(file);
  const auto read = read_regressions(path);
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].config.changes_from(config), "");
  EXPECT_EQ(read[0].config.seed, 12U);
  EXPECT_EQ(read[0].why, "a reason");
  EXPECT_THROW(read_regressions(path + ".not"), std::invalid_argument);
}

}  // namespace
}  // namespace scoria::simulation
