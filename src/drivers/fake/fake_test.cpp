#include "drivers/fake/fake.h"

#include <gtest/gtest.h>

#include "base/testing.h"

namespace scoria::drivers::fake {
namespace {

/// All that 200 calls with faults did.
std::string trace_of(std::uint64_t seed) {
  SleepClock clock;
  SeededRandom random(seed);
  const auto array = std::make_shared<Array>(clock, random);
  array->set_faults({.latency_min = 1ms, .latency_max = 500ms, .error = 100, .lost_reply = 100, .delayed = 100, .partial = 100});
  const auto driver = make_fake_driver(array, "n");
  for (int i = 0; i < 200; ++i) {
    const ObjectRef object{.pool = "fake", .name = fmt::format("v{}", i % 20)};
    if (i % 3 == 0) static_cast<void>(driver->remove({.deadline = Deadline::in(clock, 1s)}, object));
    else static_cast<void>(driver->create({.deadline = Deadline::in(clock, 1s)}, object, {mib}));
  }
  std::string trace;
  for (const LogEntry& line : array->log()) trace += fmt::format("{} {} {} {}\n", line.at.since_boot.count(), line.what, line.object.name, line.outcome);
  return trace;
}

class Fake : public testing::Test {
 protected:
  void build(ArrayOptions options = {}) {
    array = std::make_shared<Array>(clock, random, std::move(options));
    driver = make_fake_driver(array, "node-1");
  }
  Call call(std::int64_t epoch = 1) const { return {.deadline = Deadline::in(clock, 60s), .epoch = epoch}; }
  static ObjectRef ref(const std::string& name) { return {.pool = "fake", .name = name}; }
  template <class Ability>
  Ability& as() {
    return dynamic_cast<Ability&>(*driver);
  }

  SleepClock clock;
  SeededRandom random{1};
  std::shared_ptr<Array> array;
  std::unique_ptr<Driver> driver;
};

TEST_F(Fake, a_lost_reply_has_happened_and_an_error_has_not) {
  build();
  array->script("create", "volume-1", Fate::lost_reply);
  array->script("create", "volume-2", Fate::error);
  EXPECT_EQ(driver->create(call(), ref("volume-1"), {mib}).error().kind, FailureClass::unknown);
  EXPECT_EQ(driver->create(call(), ref("volume-2"), {mib}).error().kind, FailureClass::transient);
  EXPECT_EQ(array->names("fake"), std::vector<std::string>{"volume-1"});
  EXPECT_TRUE(driver->create(call(), ref("volume-1"), {mib}));
}

TEST_F(Fake, a_delayed_effect_lands_when_nobody_waits_any_more) {
  build();
  array->script("create", "", Fate::delayed);
  EXPECT_EQ(driver->create(call(), ref("volume-1"), {mib}).error().kind, FailureClass::unknown);
  EXPECT_EQ(driver->probe(call(), ref("volume-1"))->presence, Presence::absent);
  EXPECT_EQ(array->pending(), 1u);
  clock.sleep(11s);
  EXPECT_EQ(driver->probe(call(), ref("volume-1"))->presence, Presence::complete);
  EXPECT_EQ(array->pending(), 0u);
}

TEST_F(Fake, a_hanging_call_comes_back_at_its_deadline) {
  build();
  array->script("remove", "", Fate::hang);
  const Instant before = clock.now();
  EXPECT_EQ(driver->remove(call(), ref("volume-1")).error().kind, FailureClass::unknown);
  EXPECT_EQ(clock.now() - before, 60s);
}

TEST_F(Fake, a_copy_is_resumed_where_the_other_node_got_to_and_stamped_by_each) {
  build({.copy_rate = 64 * mib, .copy_chunk = {mib}});
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {4 * mib}));
  for (std::int64_t block = 0; block < 64; ++block) array->write(ref("volume-1"), block, 100 + static_cast<std::uint64_t>(block), "host");
  int asked = 0;
  Call first = call(1);
  first.stop = [&asked] { return ++asked > 3; };
  EXPECT_EQ(as<Snapshots>().clone(first, ref("volume-1"), ref("volume-2"), {4 * mib}).error().kind, FailureClass::stopped);
  EXPECT_EQ(driver->probe(call(), ref("volume-2"))->presence, Presence::partial);
  array->write(ref("volume-1"), 63, 999, "host");  // after the point in time
  const auto second = make_fake_driver(array, "node-2");
  ASSERT_TRUE(dynamic_cast<Snapshots&>(*second).clone(call(2), ref("volume-1"), ref("volume-2"), {4 * mib}));
  EXPECT_EQ(array->look(ref("volume-2"), 0).writer, "node-1");
  EXPECT_EQ(array->look(ref("volume-2"), 63).writer, "node-2");
  EXPECT_EQ(array->look(ref("volume-2"), 63).epoch, 2);
  EXPECT_EQ(array->read(ref("volume-2"), 63), 163u);
}

TEST_F(Fake, linked_clones_keep_their_base) {
  build({.linked_clones = true});
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {mib}));
  ASSERT_TRUE(as<Snapshots>().snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  ASSERT_TRUE(as<Snapshots>().clone(call(), ref("snapshot-1"), ref("volume-2"), {mib}));
  EXPECT_EQ(driver->probe(call(), ref("volume-2"))->base.name, "snapshot-1");
  EXPECT_EQ(driver->remove(call(), ref("snapshot-1")).error().kind, FailureClass::busy);
  ASSERT_TRUE(as<Flattens>().flatten(call(), ref("volume-2")));
  EXPECT_TRUE(driver->remove(call(), ref("snapshot-1")));
}

TEST_F(Fake, an_older_generation_is_refused) {
  build();
  array->raise_generation(5);
  Call old = call();
  old.generation = 4;
  EXPECT_EQ(driver->create(old, ref("volume-1"), {mib}).error().kind, FailureClass::permanent);
  EXPECT_TRUE(array->names("fake").empty());
}

TEST_F(Fake, a_stale_list_shows_the_past_and_a_partial_one_misses_some) {
  build();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(driver->create(call(), ref(fmt::format("volume-{:02}", i)), {mib}));
  array->set_faults({.partial_list = 1000});
  EXPECT_LT(driver->list(call(), "fake", "", 100)->size(), 40u);
  array->set_faults({.stale_list = 1000});
  bool past = false;
  for (int i = 0; i < 20 && !past; ++i) past = driver->list(call(), "fake", "", 100)->size() < 40;
  EXPECT_TRUE(past);
  clock.sleep(1min);
  EXPECT_EQ(driver->list(call(), "fake", "", 100)->size(), 40u);
}

TEST_F(Fake, the_same_seed_makes_the_same_run) {
  EXPECT_EQ(trace_of(3), trace_of(3));
  EXPECT_NE(trace_of(3), trace_of(4));
}

TEST_F(Fake, a_thick_pool_fills_up) {
  build({.pools = {{.name = "fake", .total = {10 * mib}, .thin = false}}});
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {8 * mib}));
  EXPECT_EQ(driver->create(call(), ref("volume-2"), {4 * mib}).error().kind, FailureClass::no_space);
  EXPECT_EQ(array->names("fake").size(), 1u);
  EXPECT_EQ(driver->pools(call())->front().free->count, 2 * mib);
}

}  // namespace
}  // namespace scoria::drivers::fake
