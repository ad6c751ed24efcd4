#include "engine/upgrade.h"

#include "engine/testing.h"

namespace scoria::engine {
namespace {

constexpr std::int64_t lease = 4'000'000, quiet = silence.count();

class Releases : public testing::OnEveryEngine {
 protected:
  static Versions release(int number, VersionMap newest) { return {.release = std::to_string(number), .schema_oldest = 1, .newest = std::move(newest)}; }
  Result<> admitted(const Versions& versions) {
    return database().write([&](db::Transaction& tx) { return admit(tx, versions); });
  }
  std::int64_t member(const std::string& host, const std::string& state, std::int64_t lease_left, const VersionMap& newest) {
    const std::int64_t inc = add_node(host, state, lease_left);
    for (const auto& [name, version] : newest) sql("INSERT INTO node_version (inc, name, version) VALUES (?, ?, ?)", {inc, name, version});
    return inc;
  }
  std::string pins() {
    const Pinned now = database().read([](db::Transaction& tx) { return pinned(tx); });
    std::string out = now.release + (now.finalised_at ? " finalised:" : ":");
    for (const auto& [name, version] : now.pins) out += fmt::format(" {} {}", name, version);
    return out;
  }
  std::string listed() {
    std::string out;
    for (const Member& one : database().read([](db::Transaction& tx) { return members(tx); })) {
      out += fmt::format("{} {} {} {} {}", one.incarnation, one.host, one.roles, one.release, one.silent ? "silent" : "there");
      for (const auto& [name, version] : one.newest) out += fmt::format(" {} {}", name, version);
      out += "\n";
    }
    return out;
  }
};
SCORIA_EVERY_ENGINE(Releases);

TEST_P(Releases, the_first_sets_the_pins_and_later_ones_do_not) {
  EXPECT_EQ(pins(), ":");
  EXPECT_TRUE(admitted(release(1, {})));
  EXPECT_EQ(pins(), ":") << "without versions nothing is kept";
  EXPECT_TRUE(admitted(release(1, {{"kind:a", 2}, {"schema", 5}})));
  EXPECT_EQ(pins(), "1: kind:a 2 schema 5");
  EXPECT_TRUE(admitted(release(2, {{"kind:a", 3}, {"kind:b", 1}, {"schema", 6}})));
  EXPECT_EQ(pins(), "1: kind:a 2 schema 5");
  EXPECT_TRUE(admitted(release(2, {})));
  const auto refused = admitted(release(0, {{"kind:a", 1}, {"schema", 5}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::conflict);
  EXPECT_NE(refused.error().message.find("finalised at release 1; release 0 of this program cannot read what it writes: a version 2 (known: 1). Start release 1"), std::string::npos)
      << refused.error().message;
  EXPECT_NE(admitted(release(0, {{"schema", 5}})).error().message.find("a version 2 (known: 0)"), std::string::npos);
}

TEST_P(Releases, the_oldest_schema_that_one_works_on_may_be_the_pinned_one_when_its_fills_are_done) {
  ASSERT_TRUE(admitted(release(1, {{"schema", 5}})));
  Versions next = release(2, {{"schema", 6}});
  next.schema_oldest = 6;
  EXPECT_NE(admitted(next).error().message.find("finalised at schema version 6 or later; this one is at 5 (release 1)"), std::string::npos);
  next.schema_oldest = 5;
  EXPECT_TRUE(admitted(next));
  sql("DELETE FROM schema_fills");
  sql("INSERT INTO schema_fills (version, part) VALUES (6, 0)");
  sql("INSERT INTO schema_fills (version, part, finished_at) VALUES (5, 0, 1), (4, 0, 1)");
  EXPECT_TRUE(admitted(next)) << "what goes on beyond it is not relied on";
  for (const int version : {4, 5}) {
    sql("UPDATE schema_fills SET finished_at = CASE WHEN version = ? THEN NULL ELSE 1 END", {version});
    EXPECT_NE(admitted(next).error().message.find("relies on data that release 1 is still converting"), std::string::npos) << version;
  }
}

TEST_P(Releases, what_an_incarnation_reads_is_kept_while_it_lives) {
  const auto up = member("a", "up", lease, {{"schema", 1}}), draining = member("b", "draining", lease, {{"schema", 2}});
  member("c", "gone", lease, {{"schema", 3}}), member("d", "fenced", lease, {{"schema", 4}});
  const auto own = add_node("e", "up", lease);
  database().write([&](db::Transaction& tx) { publish(tx, own, release(7, {{"schema", 5}, {"kind:a", 1}})); });
  EXPECT_EQ(number("SELECT count(*) FROM node_version"), 4);
  EXPECT_EQ(listed(), fmt::format("{} a all 1 there schema 1\n{} b all 1 there schema 2\n{} d all 1 silent\n{} e all 1 there kind:a 1 schema 5\n", up, draining, own - 1, own));
}

TEST_P(Releases, it_is_finalised_when_all_who_are_there_read_the_same) {
  ASSERT_TRUE(admitted(release(1, {{"kind:a", 1}, {"schema", 5}})));
  const Versions own = release(9, {{"kind:a", 2}, {"kind:b", 1}, {"schema", 6}});
  const auto newer = member("new", "up", lease, own.newest), older = member("old", "up", lease, {{"kind:a", 2}, {"schema", 6}});
  const auto dead = member("dead", "draining", -quiet - 1'000'000, {{"schema", 1}});
  sql("UPDATE node SET release = '2' WHERE host = 'new'");
  auto refused = finalize(database(), own);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::conflict);
  EXPECT_NE(refused.error().message.find(fmt::format("node {} (old, all, release 1) cannot read what release 9 writes: upgrade or stop it.", older)), std::string::npos) << refused.error().message;
  EXPECT_EQ(refused.error().message.find("new"), std::string::npos) << refused.error().message;
  sql("UPDATE node SET state = 'fenced' WHERE host = 'old'");
  refused = finalize(database(), own);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("(old, all, release 1) was cut off a moment ago"), std::string::npos) << refused.error().message;
  EXPECT_EQ(pins(), "1: kind:a 1 schema 5");
  sql("UPDATE node SET state = 'gone' WHERE host = 'old'");
  const auto done = finalize(database(), own);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(pins(), "2 finalised: kind:a 2 kind:b 1 schema 6");
  EXPECT_EQ(done->release, "2");
  EXPECT_EQ(done->of("kind:b"), 1);
  EXPECT_EQ(done->of("kind:c"), 0);
  EXPECT_EQ(text(fmt::format("SELECT state FROM node WHERE inc = {}", newer)), "up");
  EXPECT_EQ(text(fmt::format("SELECT state FROM node WHERE inc = {}", dead)), "fenced");
  const Timestamp before = done->finalised_at;
  const auto again = finalize(database(), own);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->finalised_at, before);
}

TEST_P(Releases, who_reads_more_than_the_asking_program_is_what_counts) {
  ASSERT_TRUE(admitted(release(1, {{"kind:a", 1}})));
  member("new", "up", lease, {{"kind:a", 3}});
  const auto older = member("old", "up", lease, {{"kind:a", 2}});
  sql("UPDATE node SET release = '3' WHERE host = 'new'");
  const auto refused = finalize(database(), release(2, {{"kind:a", 2}}));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(fmt::format("node {} (old, all, release 1) cannot read what release 3 writes", older)), std::string::npos) << refused.error().message;
  sql("UPDATE node SET state = 'gone' WHERE host = 'old'");
  ASSERT_TRUE(finalize(database(), release(2, {{"kind:a", 2}})));
  EXPECT_EQ(pins(), "3 finalised: kind:a 3");
  sql("UPDATE node SET state = 'gone'");
  const auto back = finalize(database(), release(2, {{"kind:a", 2}}));
  ASSERT_FALSE(back);
  EXPECT_NE(back.error().message.find("the pins are higher than this: a version 3 (known: 2)"), std::string::npos) << back.error().message;
  sql("DELETE FROM upgrade");
  EXPECT_EQ(finalize(database(), release(3, {{"kind:a", 3}})).error().code, RefusalCode::unavailable);
}

TEST_P(Releases, a_silent_node_that_reads_more_does_not_count_as_the_newest) {
  ASSERT_TRUE(admitted(release(1, {{"kind:a", 1}})));
  member("there", "up", lease, {{"kind:a", 1}});
  member("cut", "fenced", lease, {{"kind:a", 2}});
  const auto refused = finalize(database(), release(1, {{"kind:a", 1}}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.find("cannot read"), std::string::npos) << refused.error().message;
}

TEST_P(Releases, operations_that_nobody_there_can_read_say_so_once) {
  member("a", "up", lease, {{"kind:test.played", 2}, {"kind:test.other", 9}});
  member("b", "fenced", lease, {{"kind:test.played", 9}});
  for (const char* id : {"fine", "newer", "busy", "running", "told", "unknown"}) start({.id = id});
  set("fine", "ver = 2, reason = 'later'");
  set("newer", "ver = 3");
  set("busy", "ver = 3, reason = 'busy'");
  set("running", "ver = 3, state = 'running'");
  set("told", "ver = 3, reason = 'waits for a node that knows version 7'");
  set("unknown", "kind = 'test.unknown'");
  tell_unreadable(database());
  EXPECT_EQ(operation("fine").reason, "later");
  EXPECT_EQ(operation("newer").reason, "waits for a node that knows version 3 of test.played");
  EXPECT_EQ(operation("busy").reason, "waits for a node that knows version 3 of test.played");
  EXPECT_EQ(operation("running").reason, "");
  EXPECT_EQ(operation("told").reason, "waits for a node that knows version 7");
  EXPECT_EQ(operation("unknown").reason, "waits for a node that knows version 1 of test.unknown");
  const auto before = database().statistics().transactions;
  tell_unreadable(database());
  EXPECT_EQ(database().statistics().transactions, before);
}

class ReleasesNow : public testing::InStillTime {};

TEST_F(ReleasesNow, members_are_those_with_a_lease_and_those_whose_lease_ended_a_moment_ago) {
  add_node("there", "up", 0), add_node("resting", "draining", lease), add_node("late", "up", -1), add_node("cut", "fenced", lease), add_node("long", "draining", -quiet);
  add_node("left", "gone", lease), add_node("dead", "up", -quiet - 1), add_node("fenced", "fenced", -quiet - 1);
  std::string seen;
  for (const Member& one : database().read([](db::Transaction& tx) { return members(tx); })) seen += one.host + (one.silent ? " silent, " : ", ");
  EXPECT_EQ(seen, "there, resting, late silent, cut silent, long silent, ");
}

}  // namespace
}  // namespace scoria::engine
