#include "simulation/shrink.h"

#include <gtest/gtest.h>

#include "simulation/faults.h"

namespace scoria::simulation {
namespace {

TEST(Shrink, keeps_what_the_failure_needs_and_nothing_else) {
  const SeedConfig drawn = SeedConfig::draw(7);
  SeedConfig failing = drawn;
  failing.apply("kills=1 pauses=1 cuts=1 failpoints=0.01 clients=6 commands=16 nodes=5 deletes=1 snapshots=1 db.refused=0.02");
  // A failure that needs two nodes, kills, deletes, eight requests and the faults 3 and 17.
  const Try fails = [](const SeedConfig& config) -> std::optional<Size> {
    const auto kept = numbers_of(config.faults.empty() ? "1-40" : config.faults);
    const auto has = [&](std::uint64_t number) { return std::find(kept.begin(), kept.end(), number) != kept.end(); };
    const int requests = config.clients * config.commands;
    if (config.nodes < 2 || !config.nemeses.kills || !config.requests.deletes || requests < 8 || !has(3) || !has(17)) return std::nullopt;
    return Size{40, static_cast<std::uint64_t>(requests)};
  };
  const Shrunk shrunk = shrink(failing, *fails(failing), fails, 1000);
  EXPECT_TRUE(fails(shrunk.config));
  EXPECT_EQ(shrunk.config.nodes, 2);
  EXPECT_EQ(shrunk.config.clients * shrunk.config.commands, 8);
  EXPECT_EQ(shrunk.config.faults, "3,17");
  EXPECT_TRUE(shrunk.config.nemeses.kills && shrunk.config.requests.deletes);
  EXPECT_FALSE(shrunk.config.nemeses.pauses || shrunk.config.nemeses.cuts || shrunk.config.requests.snapshots);
  EXPECT_EQ(shrunk.config.failpoint_chance + shrunk.config.database.refused, 0);
}

TEST(Shrink, takes_another_order_of_things_where_one_does_not_fail) {
  SeedConfig failing = SeedConfig::draw(7);
  failing.clients = 6;
  const Try fails = [](const SeedConfig& config) -> std::optional<Size> {
    return config.clients == 6 || config.schedule == 2 ? std::optional(Size{}) : std::nullopt;
  };
  const Shrunk shrunk = shrink(failing, {}, fails, 1000);
  EXPECT_EQ(shrunk.config.clients, 1);
  EXPECT_EQ(shrunk.config.schedule, 2);
}

TEST(Shrink, does_not_run_for_ever) {
  int runs = 0;
  const Try fails = [&](const SeedConfig&) -> std::optional<Size> { return ++runs, std::nullopt; };
  EXPECT_LE(shrink(SeedConfig::draw(7), {100, 50}, fails, 25).runs, 25);
  EXPECT_LE(runs, 25);
}

TEST(Settings, say_by_text_what_a_run_needs_to_be_repeated) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    SeedConfig drawn = SeedConfig::draw(seed);
    drawn.faults = "2-4,9";
    SeedConfig told = SeedConfig::calm(seed);
    told.apply(drawn.changes_from(told));
    EXPECT_EQ(told.changes_from(drawn), "");
    EXPECT_EQ(told.chaos_pause, drawn.chaos_pause);
    EXPECT_EQ(told.database.refused, drawn.database.refused);
  }
}

TEST(Settings, refuse_what_they_do_not_know) {
  SeedConfig config = SeedConfig::calm(1);
  EXPECT_THROW(config.apply("no_such=1"), std::invalid_argument);
  EXPECT_THROW(config.apply("nodes"), std::invalid_argument);
  EXPECT_THROW(config.apply("nodes=two"), std::invalid_argument);
  EXPECT_THROW(config.apply("lease=4"), std::invalid_argument);
}

TEST(Settings, of_a_hundred_seeds_use_every_kind_of_request_and_nemesis_and_leave_every_one_out) {
  for (const Setting& setting : settings()) {
    bool on = false, off = false;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      SeedConfig config = SeedConfig::draw(seed);
      const auto place = setting.of(config);
      if (const auto* flag = std::get_if<bool*>(&place)) (**flag ? on : off) = true;
      else on = off = true;
    }
    EXPECT_TRUE(on && off) << setting.name;
  }
}

TEST(Faults, are_counted_and_only_the_kept_ones_happen) {
  Faults faults("2-3,5");
  std::vector<int> happened;
  for (int i = 1; i <= 6; ++i)
    if (faults.happens()) happened.push_back(i);
  EXPECT_EQ(happened, (std::vector<int>{2, 3, 5}));
  EXPECT_EQ(faults.count(), 6U);
  EXPECT_EQ(ranges_of({2, 3, 5}), "2-3,5");
  EXPECT_THROW(Faults("2-x"), std::invalid_argument);
}

}  // namespace
}  // namespace scoria::simulation
