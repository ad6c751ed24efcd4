#include "base/thread_group.h"
#include "commands/attachments/attach.h"
#include "commands/types/create.h"
#include "commands/volumes/delete.h"
#include "operations/testing.h"

namespace scoria {
namespace {

class Once : public operations::testing::Node {
 protected:
  Context keyed(const std::string& key, const std::string& hash = "h") const {
    Context context = context_;
    context.idempotency_key = key, context.request_hash = hash;
    return context;
  }
};
SCORIA_ON_NODE(Once);

TEST_P(Once, the_same_request_makes_one_volume_and_one_charge) {
  const auto first = commands::create_volume(*commands_, keyed("k"), {.size_gib = 1});
  ASSERT_TRUE(first);
  const auto again = commands::create_volume(*commands_, keyed("k"), {.size_gib = 1});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->id, first->id);
  EXPECT_EQ(status_after_work(first->id), "available");
  EXPECT_EQ(count("SELECT count(*) FROM volume"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM operation"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM outbox WHERE topic = 'volume.create.start'"), 1);
  EXPECT_EQ(usage().volumes, 1);
}

TEST_P(Once, the_same_key_for_something_else_is_refused_in_clear_words) {
  ASSERT_TRUE(commands::create_volume(*commands_, keyed("k", "one"), {.size_gib = 1}));
  const auto other = commands::create_volume(*commands_, keyed("k", "two"), {.size_gib = 2});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, RefusalCode::conflict);
  EXPECT_NE(other.error().message.find("Idempotency-Key 'k'"), std::string::npos);
  Context somebody = keyed("k", "two");
  somebody.user_id = "else";
  EXPECT_TRUE(commands::create_volume(*commands_, somebody, {.size_gib = 2})) << "keys are a user's own";
}

TEST_P(Once, many_at_once_make_one) {
  constexpr int clients = 8;
  std::vector<Result<Volume>> answers(clients, refuse(RefusalCode::conflict, "not asked"));
  ThreadGroup threads(clock());
  for (int i = 0; i < clients; ++i)
    threads.spawn("client", [&, i] { answers[static_cast<std::size_t>(i)] = commands::create_volume(*commands_, keyed("k"), {.size_gib = 1}); });
  threads.wait();
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->id, answers.front()->id);
  }
  EXPECT_EQ(count("SELECT count(*) FROM volume"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM operation"), 1);
  EXPECT_EQ(usage().gigabytes, 1);
}

TEST_P(Once, what_is_refused_leaves_no_key_behind) {
  EXPECT_FALSE(commands::create_volume(*commands_, keyed("k"), {.size_gib = 5000}));
  EXPECT_EQ(count("SELECT count(*) FROM idempotency"), 0);
  EXPECT_TRUE(commands::create_volume(*commands_, keyed("k"), {.size_gib = 1}));
}

TEST_P(Once, after_its_window_a_key_is_new_and_before_it_is_not_even_when_its_volume_is_gone) {
  const auto first = commands::create_volume(*commands_, keyed("k"), {.size_gib = 1});
  ASSERT_TRUE(first);
  EXPECT_EQ(status_after_work(first->id), "available");
  ASSERT_TRUE(commands::delete_volume(*commands_, context_, *volume(first->id), {}));
  EXPECT_EQ(status_after_work(first->id), "gone");
  const auto late = commands::create_volume(*commands_, keyed("k"), {.size_gib = 1});
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message.find("has been deleted since"), std::string::npos);
  database().write([](db::Transaction& tx) { tx.run("UPDATE idempotency SET expires_at = scoria_now() - 1"); });
  EXPECT_TRUE(commands::create_volume(*commands_, keyed("k"), {.size_gib = 1}));
}

TEST_P(Once, snapshots_attachments_and_types_are_made_once_too) {
  const Volume source = available(1);
  const auto snapshot_one = commands::create_snapshot(*commands_, keyed("s"), source, {});
  const auto snapshot_two = commands::create_snapshot(*commands_, keyed("s"), source, {});
  ASSERT_TRUE(snapshot_one && snapshot_two);
  EXPECT_EQ(snapshot_one->id, snapshot_two->id);
  const commands::AttachRequest request{.instance_id = "vm", .connect = true, .connector = {.host = "h"}};
  const auto attach_one = commands::create_attachment(*commands_, keyed("a"), source.id, request);
  const auto attach_two = commands::create_attachment(*commands_, keyed("a"), source.id, request);
  ASSERT_TRUE(attach_one && attach_two);
  EXPECT_EQ(attach_one->attachment.id, attach_two->attachment.id);
  EXPECT_EQ(attach_one->operation, attach_two->operation) << "the second answer waits for the same work";
  const auto type_one = commands::create_type(*commands_, keyed("t"), {.name = "fast"});
  const auto type_two = commands::create_type(*commands_, keyed("t"), {.name = "fast"});
  ASSERT_TRUE(type_one && type_two);
  EXPECT_EQ(type_one->id, type_two->id);
  EXPECT_FALSE(commands::create_type(*commands_, keyed("other"), {.name = "fast"}));
  EXPECT_EQ(count("SELECT count(*) FROM snapshot"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM attachment"), 1);
}

}  // namespace
}  // namespace scoria
