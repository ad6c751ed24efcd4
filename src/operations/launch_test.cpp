#include <any>
#include <map>
#include <mutex>

#include "base/failpoint.h"
#include "commands/attachments/attach.h"
#include "commands/volumes/create.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/extend.h"
#include "operations/testing.h"

namespace scoria::operations::testing {
namespace {

class Launches : public Node {
 protected:
  void TearDown() override {
    failpoint::disarm_all();
    Node::TearDown();
  }
  /// A first volume, by which the node learns its backend's generation. From now on what is made ready stays so.
  Volume forbid_claims() {
    const Volume first = available(1);
    expect_idle();
    failpoint::arm("engine.claim.before", "return(no claims)");
    return first;
  }
  /// Everything has ended, and every slot is free again.
  void expect_idle() {
    for (int i = 0; i < 500 && engine_->running() > 0; ++i) clock().sleep(std::chrono::milliseconds{5});
    ASSERT_EQ(engine_->running(), 0u);
  }
  std::string attached_status(const AttachmentId& id) {
    for (int i = 0; i < 500; ++i) {
      const auto found = database().read([&](db::Transaction& tx) { return store::attachments::find(tx, id); });
      if (!found) return "gone";
      if (found->x_op.empty()) return found->attach_status;
      clock().sleep(std::chrono::milliseconds{10});
    }
    return "stuck";
  }
};

TEST_P(Launches, work_of_a_node_with_a_free_slot_is_never_claimed) {
  const Volume first = forbid_claims();
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(status_after_work(made->id), "available");
  expect_idle();
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, *volume(made->id), 2, false));
  EXPECT_EQ(status_after_work(made->id), "available");
  EXPECT_EQ(volume(made->id)->size_gib, 2);
  expect_idle();
  const auto attaching = commands::create_attachment(*commands_, context_, made->id, {.instance_id = "vm", .connect = true, .connector = {.host = "h"}});
  ASSERT_TRUE(attaching) << attaching.error().message;
  EXPECT_EQ(attached_status(attaching->attachment.id), "attaching");
  expect_idle();
  const auto attached = database().read([&](db::Transaction& tx) { return store::attachments::find(tx, attaching->attachment.id); });
  const auto removing = commands::remove_attachment(*commands_, context_, *attached);
  ASSERT_TRUE(removing) << removing.error().message;
  EXPECT_EQ(attached_status(attaching->attachment.id), "gone");
  expect_idle();
  ASSERT_TRUE(commands::delete_volume(*commands_, context_, *volume(made->id), {}));
  EXPECT_EQ(status_after_work(made->id), "gone");
  expect_idle();
  ASSERT_TRUE(commands::delete_volume(*commands_, context_, first, {}));
  EXPECT_EQ(status_after_work(first.id), "gone");
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE state = 'succeeded' AND epoch = 1 AND claimed_at IS NOT NULL"), 7);
  expect_nothing_left();
}

TEST_P(Launches, their_first_step_knows_what_was_seen_and_their_last_tells_what_it_did) {
  const Volume first = forbid_claims();
  std::mutex mutex;
  std::map<std::string, std::any> told;  // by kind
  engine_->on_ended([&](const engine::Operation& ended) {
    const std::lock_guard lock(mutex);
    told[ended.kind] = ended.told;
  });
  const auto attaching = commands::create_attachment(*commands_, context_, first.id, {.instance_id = "vm", .connect = true, .connector = {.host = "h"}});
  ASSERT_TRUE(attaching) << attaching.error().message;
  EXPECT_EQ(attached_status(attaching->attachment.id), "attaching");
  expect_idle();
  const auto attached = database().read([&](db::Transaction& tx) { return store::attachments::find(tx, attaching->attachment.id); });
  Volume seen = first;
  seen.attachments = 1;
  ASSERT_TRUE(commands::remove_attachment(*commands_, context_, *attached, &seen));
  EXPECT_EQ(attached_status(attaching->attachment.id), "gone");
  expect_idle();
  const std::lock_guard lock(mutex);
  const auto* const connected = std::any_cast<Attachment>(&told["attachment.connect"]);
  ASSERT_NE(connected, nullptr);
  EXPECT_EQ(connected->id, attached->id);
  EXPECT_EQ(connected->connection, attached->connection);
  EXPECT_EQ(connected->attach_status, attached->attach_status);
  const auto* const removed = std::any_cast<store::attachments::Whereabouts>(&told["attachment.remove"]);
  ASSERT_NE(removed, nullptr);
  EXPECT_TRUE(removed->alone);
  EXPECT_EQ(removed->volume, first.id);
}

TEST_P(Launches, a_first_step_that_was_told_of_what_is_no_more_so_looks_again) {
  const Volume first = available(1);
  expect_idle();
  const auto attaching = commands::create_attachment(*commands_, context_, first.id, {.instance_id = "vm", .connect = true, .connector = {.host = "h"}});
  EXPECT_EQ(attached_status(attaching->attachment.id), "attaching");
  const auto attached = database().read([&](db::Transaction& tx) { return store::attachments::find(tx, attaching->attachment.id); });
  const auto second = commands::create_attachment(*commands_, context_, first.id, {.instance_id = "vm", .hidden = true});
  ASSERT_TRUE(second) << second.error().message;
  Volume seen = first;
  seen.attachments = 1;  // as it was before the second
  ASSERT_TRUE(commands::remove_attachment(*commands_, context_, *attached, &seen));
  EXPECT_EQ(attached_status(attaching->attachment.id), "gone");
  EXPECT_EQ(count("SELECT attachments FROM volume"), 1);
}

TEST_P(Launches, a_backend_that_moved_to_another_generation_is_not_worked_on_under_the_old_one) {
  const Volume made = available(1);
  database().write([](db::Transaction& tx) { tx.run("UPDATE backend SET gen = 7"); });
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, made, 2, false));
  EXPECT_EQ(status_after_work(made.id), "available");
  EXPECT_EQ(count("SELECT backend_gen FROM operation WHERE kind = 'volume.extend'"), 7);
  database().write([](db::Transaction& tx) { tx.run("UPDATE backend SET gen = 8"); });
  const auto attaching = commands::create_attachment(*commands_, context_, made.id, {.instance_id = "vm", .connect = true, .connector = {.host = "h"}});
  ASSERT_TRUE(attaching) << attaching.error().message;
  EXPECT_EQ(attached_status(attaching->attachment.id), "attaching");
  EXPECT_EQ(count("SELECT backend_gen FROM operation WHERE kind = 'attachment.connect'"), 8);
}

TEST_P(Launches, slots_are_kept_for_what_is_claimed) {
  bool reserved = false;  // an engine that has just started may still look for work
  for (int i = 0; i < 500 && !reserved; ++i) {
    reserved = engine_->reserve("first", "scheduler").has_value();
    if (!reserved) SystemClock{}.sleep(std::chrono::milliseconds{10});
  }
  ASSERT_TRUE(reserved);
  EXPECT_FALSE(engine_->reserve("second", "scheduler")) << "one of two slots is for older work";
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
  ASSERT_TRUE(made);
  EXPECT_EQ(status_after_work(made->id), "available") << "made ready, and claimed";
  engine_->release("first", "scheduler");
  expect_idle();
}

TEST_P(Launches, there_is_no_slot_for_queues_of_others_and_for_backends_of_unknown_generation) {
  EXPECT_FALSE(engine_->reserve("one", "other@fake"));
  EXPECT_FALSE(engine_->reserve("two", "one@fake")) << "nothing of it was run yet";
}

TEST_P(Launches, a_refused_command_gives_its_slot_back) {
  forbid_claims();
  const auto refused = commands::create_volume(*commands_, context_, {.size_gib = 1001});
  ASSERT_FALSE(refused);
  EXPECT_EQ(engine_->running(), 0u);
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
  ASSERT_TRUE(made);
  EXPECT_EQ(status_after_work(made->id), "available");
}

SCORIA_ON_NODE(Launches);

}  // namespace
}  // namespace scoria::operations::testing
