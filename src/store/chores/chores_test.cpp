#include "store/chores/chores.h"

#include "store/testing.h"

namespace scoria::store::chores {
namespace {

using testing::Texts;

class Chores : public testing::Migrated {
 protected:
  /// What the work saw, or that its turn was not due.
  std::string turn(const std::string& next, const std::function<void()>& meanwhile = [] {}) {
    std::string seen = "not due";
    const bool had = run_turn(database(), "a", std::chrono::seconds{30}, [&](const std::string& progress) {
      seen = "from '" + progress + "'";
      meanwhile();
      return Next{std::chrono::seconds{600}, next};
    });
    EXPECT_EQ(had, seen != "not due");
    return seen;
  }
  Texts all() { return rows("SELECT name, due_at, turn, progress FROM chore ORDER BY name"); }
};
SCORIA_EVERY_ENGINE(Chores);

TEST_P(Chores, have_one_turn_at_a_time_that_goes_on_where_the_last_one_ended) {
  run("INSERT INTO chore (name, due_at, turn, progress) VALUES ('b', 1, 1, 'theirs')");
  const std::string other = "b|1|1|theirs";
  EXPECT_EQ(turn("half", [&] {
              EXPECT_EQ(all(), (Texts{"a|now+30s|1|", other})) << "whoever dies in it loses it to another then";
              EXPECT_EQ(turn("never"), "not due");
            }), "from ''");
  EXPECT_EQ(all(), (Texts{"a|now+600s|1|half", other}));
  EXPECT_EQ(turn("never"), "not due");
  database().write([](db::Transaction& tx) { hurry(tx, "a"); });
  EXPECT_EQ(all(), (Texts{"a|0|1|half", other}));
  EXPECT_EQ(turn("done"), "from 'half'");
  EXPECT_EQ(all(), (Texts{"a|now+600s|2|done", other}));
}

TEST_P(Chores, are_due_at_their_time_and_lost_when_another_took_the_next_turn) {
  run("INSERT INTO chore (name, due_at, turn, progress) VALUES ('a', " + not_over() + " + 10000000, 4, 'half')");
  EXPECT_EQ(turn("never"), "not due");
  run("UPDATE chore SET due_at = scoria_now()");
  EXPECT_EQ(turn("late", [&] { run("UPDATE chore SET turn = 6, due_at = 7, progress = 'theirs'"); }), "from 'half'");
  EXPECT_EQ(all(), Texts{"a|7|6|theirs"});
}

}  // namespace
}  // namespace scoria::store::chores
