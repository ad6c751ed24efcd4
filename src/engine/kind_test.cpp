#include "engine/testing.h"

namespace scoria::engine {
namespace {

using testing::Played;

TEST(KindOf, an_operation_can_be_cancelled_before_the_point_of_no_return_and_at_no_unknown_step) {
  Played kind;
  EXPECT_TRUE(kind.cancellable_at("first"));
  EXPECT_TRUE(kind.cancellable_at("third"));
  EXPECT_FALSE(kind.cancellable_at("fourth"));
  kind.no_return = "second";
  EXPECT_TRUE(kind.cancellable_at("first"));
  EXPECT_FALSE(kind.cancellable_at("second"));
  EXPECT_FALSE(kind.cancellable_at("third"));
}

TEST(KindOf, a_step_is_followed_by_the_next_one_that_the_version_has) {
  Played kind;
  kind.list = {"new", "first", "added", "last", "after"};
  kind.since = {{"new", 3}, {"added", 2}, {"after", 2}};
  EXPECT_EQ(kind.first_step(1), "first");
  EXPECT_EQ(kind.first_step(3), "new");
  EXPECT_EQ(kind.step_after("first", 1), "last");
  EXPECT_EQ(kind.step_after("first", 2), "added");
  EXPECT_EQ(kind.step_after("last", 1), "");
  EXPECT_EQ(kind.step_after("last", 2), "after");
  EXPECT_EQ(kind.step_after("after", 2), "");
}

TEST(KindOf, kinds_are_known_by_name_and_version) {
  Kinds kinds;
  auto own = std::make_unique<Played>("a.kind");
  own->oldest = 2, own->newest = 4;
  const Kind* const kind = own.get();
  kinds.add(std::move(own));
  kinds.add(std::make_unique<Played>("b.kind"));
  EXPECT_EQ(kinds.find("a.kind"), kind);
  EXPECT_EQ(kinds.find("c.kind"), nullptr);
  EXPECT_EQ(kinds.find("c.kind", 1), nullptr);
  for (int version = 1; version <= 5; ++version) EXPECT_EQ(kinds.find("a.kind", version), version >= 2 && version <= 4 ? kind : nullptr) << version;
  EXPECT_EQ(kinds.all().size(), 2u);
  for (const char* known : {"a.kind/2", "a.kind/3", "a.kind/4", "b.kind/1"}) EXPECT_NE(kinds.known().text().find(known), std::string::npos) << kinds.known().text();
  for (const char* unknown : {"a.kind/1", "a.kind/5", "b.kind/2"}) EXPECT_EQ(kinds.known().text().find(unknown), std::string::npos) << kinds.known().text();
}

TEST(KindOf, states_are_read_as_they_are_written) {
  for (const State state : {State::ready, State::running, State::waiting, State::succeeded, State::failed, State::cancelled, State::dead}) EXPECT_EQ(state_from(to_text(state)), state);
  EXPECT_EQ(to_text(State::ready), "ready");
  EXPECT_EQ(to_text(State::dead), "dead");
}

}  // namespace
}  // namespace scoria::engine
