#include "engine/membership.h"

#include "engine/testing.h"

namespace scoria::engine {
namespace {

constexpr std::int64_t second = 1'000'000;

class Members : public testing::InStillTime {
 protected:
  void SetUp() override {
    testing::InStillTime::SetUp();
    options_ = {.host = "own", .roles = "api"};
  }
  Membership& member() {
    if (!member_) member_ = std::make_unique<Membership>(database(), clock(), options_);
    return *member_;
  }
  /// A member that may judge others.
  Membership& joined() {
    member().join();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(member().beat());
    return member();
  }
  std::string state_of(std::int64_t node) { return text(fmt::format("SELECT state FROM node WHERE inc = {}", node)); }
  std::int64_t lease_of(std::int64_t node) { return number(fmt::format("SELECT lease_until - scoria_now() FROM node WHERE inc = {}", node)); }
  void set_lease(std::int64_t node, std::int64_t left) { sql("UPDATE node SET lease_until = scoria_now() + ? WHERE inc = ?", {left, node}); }
  std::string running_at(std::int64_t node, int deaths = 0) {
    const std::string id = start();
    set(id, fmt::format("state = 'running', epoch = 1, owner = {}, deaths = {}", node, deaths));
    return id;
  }
  /// state, deaths, owner, microseconds until it may run
  std::string seen(const std::string& id) {
    const Operation op = operation(id);
    return fmt::format("{} {} {} {}", to_text(op.state), op.deaths, op.owner, (op.run_at - clock().database_time()).count());
  }
  MembershipOptions options_;
  std::unique_ptr<Membership> member_;
};

TEST_F(Members, who_joins_is_written_down_with_what_it_is) {
  options_.versions = {.release = "2.0", .schema_oldest = 1, .newest = {{"schema", 21}, {"kind:x", 2}}};
  member().join();
  const std::int64_t own = member().incarnation();
  EXPECT_EQ(text("SELECT host || roles || state || release || CAST(schema_version AS TEXT) || CAST(hb_seq AS TEXT) FROM node"), "ownapiup2.0210");
  EXPECT_EQ(own, number("SELECT inc FROM node"));
  EXPECT_EQ(lease_of(own), 4 * second);
  EXPECT_EQ(number(fmt::format("SELECT sum(version) FROM node_version WHERE inc = {}", own)), 23);
  EXPECT_EQ(database().beacons, std::vector<std::int64_t>{own});
  EXPECT_EQ(member().leash().at, clock().now() + std::chrono::milliseconds{3500});
  options_.versions.newest = {{"kind:x", 1}};
  member_.reset();
  EXPECT_THROW(member().join(), std::runtime_error);
  EXPECT_EQ(number("SELECT count(*) FROM node"), 1);
  options_.versions.newest = {};
  member_.reset();
  member().join();
  EXPECT_EQ(number("SELECT schema_version FROM node WHERE host = 'own' ORDER BY inc DESC LIMIT 1"), 0);
}

TEST_F(Members, who_has_the_database_alone_takes_the_work_of_those_before_it) {
  const auto up = add_node("own", "up", 4 * second), draining = add_node("own", "draining", 4 * second), gone = add_node("own", "gone", 4 * second);
  const std::string first = running_at(up), often = running_at(draining, 4), ready = start();
  member().join();
  EXPECT_EQ(state_of(up), "up");
  EXPECT_EQ(seen(first), fmt::format("running 0 {} 0", up));
  options_.exclusive = true;
  member_.reset();
  member().join();
  EXPECT_EQ(state_of(up) + state_of(draining) + state_of(gone) + state_of(member().incarnation()), "fencedfencedgoneup");
  EXPECT_EQ(seen(first), "ready 1 0 0");
  EXPECT_EQ(seen(often), "ready 5 0 4000000");
  EXPECT_EQ(seen(ready), "ready 0 0 0");
}

TEST_F(Members, a_beat_gives_a_new_lease_from_when_it_was_sent) {
  const auto other = add_node("other", "up", 2 * second, 7);
  member().join();
  clock().sleep(std::chrono::seconds{2});
  const Instant sent = clock().now();
  database().before_write = [&] { clock().sleep(std::chrono::milliseconds{300}); };
  ASSERT_TRUE(member().beat());
  database().before_write = {};
  EXPECT_EQ(member().leash().at, sent + std::chrono::milliseconds{3500});
  EXPECT_EQ(lease_of(member().incarnation()), 4 * second);
  EXPECT_EQ(number("SELECT hb_seq FROM node WHERE host = 'own'"), 1);
  EXPECT_EQ(number("SELECT hb_seq FROM node WHERE host = 'other'"), 7);
  EXPECT_EQ(lease_of(other), -300'000);
  EXPECT_TRUE(member().leash_holds());
  clock().sleep(std::chrono::milliseconds{3200});
  EXPECT_FALSE(member().leash_holds());
}

TEST_F(Members, a_node_that_rests_beats_on_and_one_that_was_fenced_or_left_does_not) {
  member().join();
  const std::int64_t own = member().incarnation();
  const auto other = add_node("other", "up", 4 * second);
  member().set_draining();
  EXPECT_EQ(state_of(own) + state_of(other), "drainingup");
  EXPECT_TRUE(member().beat());
  sql("UPDATE node SET state = 'fenced' WHERE inc = ?", {own});
  clock().sleep(std::chrono::seconds{1});
  const Instant before = member().leash().at;
  EXPECT_FALSE(member().beat());
  EXPECT_EQ(member().leash().at, before);
  EXPECT_EQ(lease_of(own), 3 * second);
  member().set_draining();
  member().leave();
  EXPECT_EQ(state_of(own), "fenced") << "fenced is for ever";
  sql("UPDATE node SET state = 'draining' WHERE inc = ?", {own});
  member().leave();
  EXPECT_EQ(state_of(own) + state_of(other), "goneup");
  EXPECT_FALSE(member().beat());
}

TEST_F(Members, only_who_beat_three_times_in_a_row_judges_others) {
  member().join();
  const auto dead = add_node("dead", "up", -second);
  const auto fences = [&] {
    member().sweep();
    const bool fenced = state_of(dead) == "fenced";
    sql("UPDATE node SET state = 'up' WHERE inc = ?", {dead});
    return fenced;
  };
  EXPECT_FALSE(fences());
  for (int i = 1; i <= 3; ++i) {
    clock().sleep(std::chrono::seconds{2});
    ASSERT_TRUE(member().beat());
    EXPECT_EQ(fences(), i == 3) << i;
  }
  clock().sleep(std::chrono::seconds{2});
  EXPECT_TRUE(fences());
  clock().sleep(Duration{1});
  EXPECT_FALSE(fences()) << "its own last beat is two periods ago";
  ASSERT_TRUE(member().beat());
  for (int i = 1; i <= 3; ++i) {
    EXPECT_FALSE(fences()) << "it was late: " << i;
    ASSERT_TRUE(member().beat());
  }
  EXPECT_TRUE(fences());
  clock().sleep(std::chrono::milliseconds{2500});
  ASSERT_TRUE(member().beat());
  EXPECT_FALSE(fences());
}

TEST_F(Members, a_look_that_finds_nothing_writes_nothing) {
  Membership& own = joined();
  const auto living = add_node("living", "up", 0);
  add_node("gone", "gone", -second);
  add_node("fenced", "fenced", 9 * second);
  running_at(living);
  set(start(), "state = 'failed', owner = 99");
  int writes = 0;
  database().before_write = [&] { ++writes; };
  EXPECT_EQ(own.sweep(), 0);
  set_lease(living, 4 * second);
  writes = 0;
  EXPECT_EQ(own.sweep(), 0);
  EXPECT_EQ(writes, 0);
}

TEST_F(Members, a_node_whose_lease_is_over_is_fenced_and_its_work_comes_back) {
  Membership& own = joined();
  const auto living = add_node("living", "up", second), other = add_node("other", "up", 0), dead = add_node("dead", "draining", -1);
  const std::string kept = running_at(living), first = running_at(dead), second_time = running_at(dead, 1), third = running_at(dead, 2), fourth = running_at(dead, 3), fifth = running_at(dead, 4);
  const std::string mine = running_at(own.incarnation()), ended = start(), ready = start();
  set(ended, fmt::format("state = 'failed', owner = {}", dead));
  const double fenced = testing::measured("scoria_nodes_fenced_total"), taken = testing::measured("scoria_operation_takeovers_total");
  EXPECT_EQ(own.sweep(), 5);
  EXPECT_EQ(state_of(living) + state_of(other) + state_of(dead) + state_of(own.incarnation()), "upupfencedup");
  EXPECT_EQ(seen(first), "ready 1 0 0");
  EXPECT_EQ(seen(second_time), "ready 2 0 0");
  EXPECT_EQ(seen(third), "ready 3 0 1000000");
  EXPECT_EQ(seen(fourth), "ready 4 0 1000000");
  EXPECT_EQ(seen(fifth), "ready 5 0 4000000");
  EXPECT_EQ(seen(kept), fmt::format("running 0 {} 0", living));
  EXPECT_EQ(seen(mine), fmt::format("running 0 {} 0", own.incarnation()));
  EXPECT_EQ(seen(ended), fmt::format("failed 0 {} 0", dead));
  EXPECT_EQ(lease_of(living), second);
  EXPECT_EQ(testing::measured("scoria_nodes_fenced_total"), fenced + 1);
  EXPECT_EQ(testing::measured("scoria_operation_takeovers_total"), taken + 5);
}

TEST_F(Members, each_of_the_three_sights_is_reason_enough_to_act) {
  Membership& own = joined();
  const auto dead = add_node("dead", "up", -1);  // one of two, and no work of it
  EXPECT_EQ(own.sweep(), 0);
  EXPECT_EQ(state_of(dead), "fenced");
  const std::string orphan = running_at(dead);
  EXPECT_EQ(own.sweep(), 1) << "claimed in the moment it was fenced";
  EXPECT_EQ(seen(orphan), "ready 1 0 0");
  const auto ahead = add_node("ahead", "up", 60 * second), gone = add_node("gone", "gone", 60 * second);
  EXPECT_EQ(own.sweep(), 0);
  EXPECT_EQ(lease_of(ahead), 4 * second) << "from another clock";
  EXPECT_EQ(state_of(ahead), "up");
  EXPECT_EQ(lease_of(gone), 60 * second);
}

TEST_F(Members, with_most_late_at_once_a_second_lease_is_waited_for) {
  Membership& own = joined();
  const auto first = add_node("a", "up", -second / 2), second_node = add_node("b", "up", -second / 2), long_dead = add_node("c", "up", -4 * second - 1), just = add_node("d", "up", -4 * second);
  own.sweep();
  EXPECT_EQ(state_of(first) + state_of(second_node) + state_of(long_dead) + state_of(just), "upupfencedup");
  set_lease(second_node, 60 * second), set_lease(just, 4 * second);
  clock().sleep(std::chrono::seconds{2});
  ASSERT_TRUE(own.beat());
  clock().sleep(std::chrono::milliseconds{999});
  own.sweep();
  EXPECT_EQ(state_of(first), "up") << "a minority now, but seconds ago it was none";
  clock().sleep(std::chrono::milliseconds{1});
  own.sweep();
  EXPECT_EQ(state_of(first), "fenced");
}

class Beacons : public Members {
 protected:
  void SetUp() override {
    Members::SetUp();
    database().says = db::Engine::postgres;
  }
};

TEST_F(Beacons, who_holds_none_gets_a_short_lease) {
  Membership& own = joined();
  const auto alive = add_node("alive", "up", 4 * second), dead = add_node("dead", "up", 4 * second), resting = add_node("resting", "draining", second / 2 + 1);
  const auto starting = add_node("starting", "up", 4 * second, 0), fenced = add_node("fenced", "fenced", 4 * second), soon = add_node("soon", "up", second / 2), late = add_node("late", "up", -second);
  database().beacons = {own.incarnation(), alive};
  database().says = db::Engine::sqlite;
  EXPECT_FALSE(own.look_for_beacons().shortened) << "nobody can share that database";
  database().says = db::Engine::postgres;
  const Membership::Look look = own.look_for_beacons();
  EXPECT_TRUE(look.shortened);
  EXPECT_FALSE(look.suspected);
  EXPECT_EQ(lease_of(dead), second / 2);
  EXPECT_EQ(lease_of(resting), second / 2);
  for (const auto node : {alive, starting, fenced}) EXPECT_EQ(lease_of(node), 4 * second) << node;
  EXPECT_EQ(lease_of(soon), second / 2);
  EXPECT_EQ(lease_of(late), -second);
  EXPECT_EQ(lease_of(own.incarnation()), 4 * second);
  EXPECT_FALSE(own.look_for_beacons().shortened) << "it is that short already";
}

TEST_F(Beacons, who_does_not_beat_on_time_suspects_nobody) {
  member().join();
  const auto dead = add_node("dead", "up", 4 * second);
  EXPECT_FALSE(member().look_for_beacons().shortened);
  EXPECT_EQ(lease_of(dead), 4 * second);
}

TEST_F(Beacons, who_is_suspected_is_told_from_its_first_moment) {
  member().join();
  set_lease(member().incarnation(), second / 2 + 1);
  EXPECT_FALSE(member().look_for_beacons().suspected);
  set_lease(member().incarnation(), second / 2);
  EXPECT_TRUE(member().look_for_beacons().suspected);
  database().says = db::Engine::sqlite;
  EXPECT_FALSE(member().look_for_beacons().suspected);
}

TEST_F(Beacons, whom_another_has_fenced_meanwhile_is_not_waited_for) {
  Membership& own = joined();
  const auto dead = add_node("dead", "up", 4 * second), alive = add_node("alive", "up", 4 * second);
  database().beacons.push_back(alive);
  database().before_write = [&] { real_->write([&](db::Transaction& tx) { tx.run("UPDATE node SET state = 'fenced' WHERE inc = ?", {dead}); }); };
  EXPECT_FALSE(own.look_for_beacons().shortened);
  database().before_write = {};
  EXPECT_EQ(lease_of(dead), 4 * second);
  EXPECT_EQ(lease_of(alive), 4 * second);
}

}  // namespace
}  // namespace scoria::engine
