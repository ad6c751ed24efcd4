#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "simulation/seed.h"

namespace scoria::simulation {
namespace {

std::vector<std::uint64_t> seeds_that_once_failed() {
  std::vector<std::uint64_t> out;
  std::ifstream file(SCORIA_REGRESSIONS);
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line[0] != '#') out.push_back(std::strtoull(line.c_str(), nullptr, 10));
  return out;
}

class Regressions : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seed, Regressions, ::testing::ValuesIn(seeds_that_once_failed()), ::testing::PrintToStringParamName());

TEST_P(Regressions, a_seed_that_once_failed_is_clean) { EXPECT_THAT(run_seed(GetParam(), false).failures, ::testing::IsEmpty()); }

}  // namespace
}  // namespace scoria::simulation
