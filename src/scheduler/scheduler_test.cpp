#include "scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "json/parse.h"
#include "scheduler/capacity.h"
#include "scheduler/facts.h"
#include "scheduler/query.h"
#include "scheduler/specs.h"

namespace scoria::scheduler {
namespace {

constexpr const char* volume_a = "6f519a48-3183-46cf-a32f-41815f813986";
constexpr const char* volume_b = "7f519a48-3183-46cf-a32f-41815f813986";

PoolState pool(const std::string& name, std::int64_t total_gib, std::int64_t free_gib, std::int64_t provisioned_gib = 0) {
  PoolState out;
  out.backend = "node@" + name;
  out.name = "p";
  out.zone = "nova";
  out.total = Capacity::of(from_gib(total_gib));
  out.free = Capacity::of(from_gib(free_gib));
  out.provisioned = from_gib(provisioned_gib);
  out.over_subscription = 1;
  return out;
}

PlacementRequest of_gib(std::int64_t size) {
  PlacementRequest out;
  out.size = from_gib(size);
  return out;
}

Decision decide(const PlacementRequest& request, const std::vector<PoolState>& pools, SchedulerOptions options = {}) {
  SeededRandom random(1);
  return Scheduler::make(options)->place(request, pools, random);
}

std::vector<std::string> order(const Decision& decision) {
  std::vector<std::string> out;
  for (const Place& place : decision.places) out.push_back(place.backend);
  return out;
}

SchedulerOptions with(std::vector<std::string> filters) {
  SchedulerOptions out;
  out.filters = std::move(filters);
  return out;
}

using Names = std::vector<std::string>;

TEST(Scheduler, the_emptiest_pool_comes_first) {
  const Decision decision = decide(of_gib(1), {pool("a", 100, 100, 50), pool("b", 100, 100, 10), pool("c", 100, 100, 90)});
  EXPECT_EQ(order(decision), (Names{"node@b", "node@a", "node@c"}));
}

TEST(Scheduler, a_negative_multiplier_stacks) {
  SchedulerOptions options;
  options.multipliers.capacity = -1;
  EXPECT_EQ(order(decide(of_gib(1), {pool("a", 100, 100, 50), pool("b", 100, 100, 10)}, options)), (Names{"node@a", "node@b"}));
}

TEST(Scheduler, what_does_not_fit_is_no_candidate_and_the_lack_is_told) {
  const Decision decision = decide(of_gib(13), {pool("a", 100, 100, 90)});
  EXPECT_TRUE(decision.places.empty());
  const Objection& objection = decision.explanation.candidates.at(0).objections.at(0);
  EXPECT_EQ(objection.filter, "CapacityFilter");
  EXPECT_EQ(objection.missing->count, 3 * gib);
  EXPECT_DOUBLE_EQ(*objection.ratio_needed, 1.03);
  EXPECT_EQ(objection.fix, "needs 3 GiB more free, or max_over_subscription_ratio ≥ 1.03");
}

TEST(Scheduler, the_summary_names_the_nearest_fix) {
  std::vector<PoolState> pools{pool("a", 100, 100, 99), pool("b", 100, 100, 95), pool("c", 100, 100, 0)};
  pools[2].zone = "far";
  PlacementRequest request = of_gib(10);
  request.zones = {"nova"};
  EXPECT_EQ(decide(request, pools).explanation.summary(),
            "None of 3 pools can take 10 GiB: kept out 1 by AvailabilityZoneFilter, 2 by CapacityFilter. Of the nearest, it is in zone far, wanted is "
            "nova: ask for zone far, or for none.");
  pools[2].disabled = true;
  EXPECT_NE(decide(request, pools).explanation.summary().find("Of the nearest, 10 GiB are needed, 5 GiB are left"), std::string::npos);
  EXPECT_EQ(decide(request, {}).explanation.summary(), "No backend has reported a pool yet.");
}

TEST(Scheduler, pools_that_may_not_be_used_are_left_out) {
  std::vector<PoolState> pools{pool("a", 9, 9), pool("b", 9, 9), pool("c", 9, 9), pool("d", 9, 9)};
  pools[0].up = false;
  pools[1].disabled = true;
  pools[2].frozen = true;
  EXPECT_EQ(order(decide(of_gib(1), pools)), Names{"node@d"});
}

TEST(Scheduler, a_pool_that_only_lacks_its_node_may_pass_by_itself) {
  std::vector<PoolState> pools{pool("a", 9, 9), pool("b", 9, 9)};
  pools[0].up = false;
  pools[1].disabled = true;
  EXPECT_TRUE(decide(of_gib(1), pools).explanation.may_pass());
  EXPECT_FALSE(decide(of_gib(10), pools).explanation.may_pass());
  pools[0].frozen = true;
  EXPECT_FALSE(decide(of_gib(1), pools).explanation.may_pass());
  EXPECT_TRUE(decide(of_gib(1), {}).explanation.may_pass());
}

TEST(Scheduler, tried_pools_and_other_places_than_the_sources_are_left_out) {
  const std::vector<PoolState> pools{pool("a", 9, 9), pool("b", 9, 9)};
  PlacementRequest request = of_gib(1);
  request.tried = {"node@a#p"};
  EXPECT_EQ(order(decide(request, pools)), Names{"node@b"});
  request.tried = {};
  request.pinned = "node@a#p";
  EXPECT_EQ(order(decide(request, pools)), Names{"node@a"});
}

TEST(Scheduler, extra_specs_choose_pools) {
  std::vector<PoolState> pools{pool("a", 9, 9), pool("b", 9, 9)};
  pools[0].capabilities = json::parse(R"({"volume_backend_name":"fast","storage_protocol":"iSCSI"})").value();
  pools[1].capabilities = json::parse(R"({"volume_backend_name":"slow","storage_protocol":["NFS","FC"]})").value();
  PlacementRequest request = of_gib(1);
  request.extra_specs = {{"volume_backend_name", "fast"}, {"vendor:any", "thing"}};
  EXPECT_EQ(order(decide(request, pools)), Names{"node@a"});
  request.extra_specs = {{"capabilities:storage_protocol", "fibre_channel"}};
  EXPECT_EQ(order(decide(request, pools)), Names{"node@b"});
  request.extra_specs = {{"storage_protocol", "<or> iscsi <or> nfs"}};
  EXPECT_EQ(order(decide(request, pools)).size(), 2U);
  request.extra_specs = {{"multiattach", "<is> True"}};
  EXPECT_EQ(decide(request, pools).explanation.candidates[0].objections.at(0).reason, "the volume type wants multiattach = '<is> True', the pool has 'False'");
  pools[1].multiattach = true;
  EXPECT_EQ(order(decide(request, pools)), Names{"node@b"});
}

TEST(Scheduler, hints_place_beside_or_apart) {
  const std::vector<PoolState> pools{pool("a", 9, 9), pool("b", 9, 9)};
  PlacementRequest request = of_gib(1);
  request.hosts_of_volumes = {{volume_a, "node@a#p"}, {volume_b, "node@b#p"}};
  const SchedulerOptions options = with({"SameBackendFilter", "DifferentBackendFilter"});
  request.hints = Hints::read(json::parse(fmt::format(R"({{"same_host":"{}"}})", volume_a)).value());
  EXPECT_EQ(order(decide(request, pools, options)), Names{"node@a"});
  request.hints = Hints::read(json::parse(fmt::format(R"({{"same_host":["{}","{}"]}})", volume_a, volume_b)).value());
  EXPECT_EQ(order(decide(request, pools, options)).size(), 2U);
  request.hints = Hints::read(json::parse(fmt::format(R"({{"different_host":["{}"]}})", volume_a)).value());
  EXPECT_EQ(order(decide(request, pools, options)), Names{"node@b"});
  EXPECT_EQ(decide(request, pools).explanation.notes.size(), 1U);
  EXPECT_EQ(order(decide(request, pools)).size(), 2U);
}

TEST(Scheduler, a_hint_that_means_nothing_shuts_every_pool_out) {
  for (const char* hints : {R"({"same_host":"nonsense"})", R"({"different_host":[7]})", R"({"query":"[\"=\""})", R"({"local_to_instance":"x"})"}) {
    PlacementRequest request = of_gib(1);
    request.hints = Hints::read(json::parse(hints).value());
    const Decision decision = decide(request, {pool("a", 9, 9)});
    EXPECT_TRUE(decision.places.empty()) << hints;
    EXPECT_EQ(decision.explanation.candidates[0].objections.at(0).filter, "SchedulerHints") << hints;
  }
}

TEST(Scheduler, an_instance_is_looked_for_only_where_a_compute_service_is_asked) {
  PlacementRequest request = of_gib(1);
  request.hints = Hints::read(json::parse(fmt::format(R"({{"local_to_instance":"{}"}})", volume_a)).value());
  const SchedulerOptions options = with({"InstanceLocalityFilter"});
  const Decision blind = decide(request, {pool("a", 9, 9)}, options);
  EXPECT_NE(blind.explanation.candidates[0].objections.at(0).reason.find("no compute service"), std::string::npos);
  request.instance_host = "node";
  EXPECT_EQ(order(decide(request, {pool("a", 9, 9)}, options)), Names{"node@a"});
  request.instance_host = "other";
  EXPECT_TRUE(decide(request, {pool("a", 9, 9)}, options).places.empty());
}

TEST(Scheduler, drivers_may_say_no_or_how_much_they_like_it) {
  std::vector<PoolState> pools{pool("a", 100, 100), pool("b", 100, 100)};
  pools[0].filter_function = "volume.size < 10 and stats.total_capacity_gb == 100";
  pools[0].goodness_function = "(volume.size > 5) ? 80 : 20";
  pools[1].goodness_function = "50";
  SchedulerOptions options = with({"DriverFilter"});
  options.weighers = {"GoodnessWeigher"};
  EXPECT_EQ(order(decide(of_gib(7), pools, options)), (Names{"node@a", "node@b"}));
  EXPECT_EQ(order(decide(of_gib(3), pools, options)), (Names{"node@b", "node@a"}));
  EXPECT_EQ(order(decide(of_gib(10), pools, options)), Names{"node@b"});
  pools[1].filter_function = "volume.size <";
  EXPECT_NE(decide(of_gib(1), pools, options).explanation.candidates[1].objections.at(0).reason.find("cannot be evaluated"), std::string::npos);
}

TEST(Scheduler, unknown_names_are_refused_with_the_nearest) {
  const Result<Scheduler> scheduler = Scheduler::make(with({"CapacityFiler"}));
  ASSERT_FALSE(scheduler);
  EXPECT_EQ(scheduler.error().message, "There is no filter 'CapacityFiler'. Did you mean CapacityFilter?");
  SchedulerOptions options;
  options.weighers = {"HeavyWeigher"};
  EXPECT_FALSE(Scheduler::make(options));
  options = {};
  options.handler = "Best";
  EXPECT_FALSE(Scheduler::make(options));
}

TEST(Scheduler, all_of_cinders_filters_weighers_and_handlers_have_names) {
  SchedulerOptions options = with({"AvailabilityZoneFilter", "CapacityFilter", "CapabilitiesFilter", "DifferentBackendFilter", "SameBackendFilter", "DriverFilter",
                                   "JsonFilter", "InstanceLocalityFilter", "RetryFilter"});
  options.weighers = {"CapacityWeigher", "AllocatedCapacityWeigher", "ChanceWeigher", "GoodnessWeigher", "VolumeNumberWeigher"};
  for (const char* handler : {"OrderedHostWeightHandler", "StochasticHostWeightHandler"}) {
    options.handler = handler;
    EXPECT_EQ(decide(of_gib(1), {pool("a", 9, 9), pool("b", 9, 9)}, options).places.size(), 2U);
  }
}

TEST(Scheduler, a_lottery_follows_the_weights) {
  SchedulerOptions options;
  options.handler = "StochasticHostWeightHandler";
  options.weighers = {"AllocatedCapacityWeigher"};
  options.multipliers.allocated_capacity = 1;
  std::vector<PoolState> pools{pool("a", 100, 100), pool("b", 100, 100), pool("c", 100, 100)};
  pools[0].allocated = from_gib(0);
  pools[1].allocated = from_gib(30);
  pools[2].allocated = from_gib(90);  // weights 0, 1/3, 1
  SeededRandom random(7);
  const Scheduler scheduler = Scheduler::make(options).value();
  std::map<std::string, int> first;
  for (int draw = 0; draw < 2000; ++draw) {
    const Decision decision = scheduler.place(of_gib(1), pools, random);
    ASSERT_EQ(decision.places.size(), 3U);
    ++first[decision.places[0].backend];
  }
  EXPECT_EQ(first["node@a"], 0);
  EXPECT_NEAR(first["node@b"], 500, 80);
  EXPECT_NEAR(first["node@c"], 1500, 80);
}

TEST(Scheduler, the_explanation_renders_as_json) {
  json::Writer out;
  decide(of_gib(13), {pool("a", 100, 100, 90), pool("b", 100, 100)}).explanation.write(out, true);
  const json::Value written = json::parse(out.text()).value();
  EXPECT_EQ(written["candidates"].array().at(0)["passed"].boolean(), false);
  EXPECT_EQ(written["candidates"].array().at(0)["objections"].array().at(0)["missing_gib"].number(), 3);
  EXPECT_EQ(written["candidates"].array().at(1)["weights"]["CapacityWeigher"].number(), 0);
  EXPECT_NE(out.text().find("node@"), std::string::npos);
  json::Writer for_users;
  decide(of_gib(13), {pool("a", 100, 100, 90), pool("b", 100, 100)}).explanation.write(for_users, false);
  EXPECT_EQ(for_users.text().find("node@"), std::string::npos);
}

/// The same question asked of the pool's numbers in another way.
bool fits(const PoolState& state, Bytes taken) {
  return state.provisioned.count + taken.count <= std::llround(static_cast<double>(state.total.size.count) * *state.over_subscription);
}

TEST(Scheduler, every_place_has_room_for_the_rounded_size_and_every_refusal_tells_a_true_fix) {
  SeededRandom random(99);
  const std::int64_t units[] = {mib, gib, 8 * gib, 10'000'000'000};
  const Scheduler scheduler;
  int placed = 0;
  int refused = 0;
  for (int round = 0; round < 1000; ++round) {
    std::vector<PoolState> pools;
    for (int count = 0; count < 3; ++count) {
      PoolState state = pool(fmt::format("b{}", count), 1 + static_cast<std::int64_t>(random.below(100)), 100, static_cast<std::int64_t>(random.below(150)));
      state.unit = {units[random.below(4)]};
      state.minimum = {static_cast<std::int64_t>(random.below(3)) * gib};
      state.over_subscription = 1 + static_cast<double>(random.below(20)) / 10;
      pools.push_back(state);
    }
    const PlacementRequest request = of_gib(1 + static_cast<std::int64_t>(random.below(60)));
    const Decision decision = scheduler.place(request, pools, random);
    for (const Place& place : decision.places) {
      const auto state = std::find_if(pools.begin(), pools.end(), [&](const PoolState& other) { return other.backend == place.backend; });
      ASSERT_GE(place.taken, request.size);
      ASSERT_GE(place.taken, state->minimum);
      ASSERT_EQ(place.taken.count % state->unit.count, 0);
      ASSERT_LT(place.taken.count - std::max(request.size.count, state->minimum.count), state->unit.count);
      ASSERT_TRUE(fits(*state, place.taken));
      ++placed;
    }
    for (std::size_t at = 0; at < pools.size(); ++at) {
      const Verdict& verdict = decision.explanation.candidates[at];
      if (verdict.passed()) continue;
      ++refused;
      ASSERT_FALSE(fits(pools[at], verdict.taken));
      PoolState roomier = pools[at];
      roomier.provisioned = roomier.provisioned - *verdict.objections[0].missing;
      ASSERT_TRUE(!shortage(roomier, verdict.taken, false));
      roomier = pools[at];
      roomier.over_subscription = *verdict.objections[0].ratio_needed;
      ASSERT_TRUE(!shortage(roomier, verdict.taken, false)) << round;
    }
  }
  EXPECT_GT(placed, 500);
  EXPECT_GT(refused, 500);
}

TEST(Scheduler, the_same_seed_gives_the_same_answer) {
  SchedulerOptions options;
  options.weighers = {"ChanceWeigher"};
  std::set<Names> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SeededRandom one(seed);
    SeededRandom two(seed);
    const std::vector<PoolState> pools{pool("a", 9, 9), pool("b", 9, 9), pool("c", 9, 9)};
    const Scheduler scheduler = Scheduler::make(options).value();
    const Names first = order(scheduler.place(of_gib(1), pools, one));
    EXPECT_EQ(first, order(scheduler.place(of_gib(1), pools, two)));
    seen.insert(first);
  }
  EXPECT_GT(seen.size(), 2U);
}

}  // namespace
}  // namespace scoria::scheduler
