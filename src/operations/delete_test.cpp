#include "base/thread_group.h"
#include "commands/attachments/attach.h"
#include "commands/snapshots/delete.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/extend.h"
#include "commands/volumes/revert.h"
#include "engine/start.h"
#include "operations/testing.h"

namespace scoria {
namespace {

using drivers::fake::Fate;

class Deletions : public operations::testing::Node {
 protected:
  Result<> cascade(const VolumeId& id) { return commands::delete_volume(*commands_, context_, *volume(id), {.cascade = true}); }
  Result<> force(const VolumeId& id) { return commands::delete_volume(*commands_, context_, *volume(id), {.force = true}); }
};
SCORIA_ON_NODE(Deletions);

TEST_P(Deletions, a_cascade_takes_the_snapshots_along_and_nothing_stays) {
  const Volume before = available(2);
  taken(before), taken(before);
  const auto accepted = cascade(before.id);
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_EQ(status_after_work(before.id), "gone");
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE kind = 'snapshot.delete' AND parent IS NOT NULL AND state = 'succeeded'"), 2);
  expect_nothing_left();
}

TEST_P(Deletions, a_cascade_is_refused_while_a_snapshot_is_busy_and_changes_nothing) {
  const Volume before = available(1);
  const Snapshot kept = taken(before);
  array_->script("snapshot", "", Fate::error, 1000);
  const auto busy = commands::create_snapshot(*commands_, context_, before, {});
  ASSERT_TRUE(busy);
  const auto refused = cascade(before.id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::invalid_state);
  EXPECT_NE(refused.error().message.find(busy->id.text), std::string::npos) << refused.error().message;
  EXPECT_EQ(to_text(volume(before.id)->status), "available");
  EXPECT_EQ(to_text(snapshot(kept.id)->status), "available");
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE kind LIKE '%.delete'"), 0);
}

TEST_P(Deletions, a_cascade_leaves_another_projects_snapshots_alone_unless_an_admin_asks) {
  const Volume before = available(1);
  const Snapshot foreign = taken(before);
  database().write([&](db::Transaction& tx) { tx.run("UPDATE snapshot SET project_id = 'other' WHERE id = ?", {foreign.id.text}); });
  EXPECT_FALSE(cascade(before.id));
  EXPECT_EQ(to_text(snapshot(foreign.id)->status), "available");
  context_.is_admin = true;
  EXPECT_TRUE(cascade(before.id));
  EXPECT_EQ(status_after_work(before.id), "gone");
}

TEST_P(Deletions, a_snapshot_that_a_copy_reads_is_waited_for_by_the_whole_cascade) {
  const Volume before = available(1);
  const Snapshot source = taken(before);
  array_->script("clone", "", Fate::error, 1);
  const auto clone = commands::create_volume(*commands_, context_, {.size_gib = 1, .snapshot_id = source.id.text});
  ASSERT_TRUE(clone) << clone.error().message;
  ASSERT_TRUE(tried(clone->id.text, "fill"));
  ASSERT_TRUE(cascade(before.id));
  hurry();
  EXPECT_EQ(status_after_work(clone->id), "available");
  EXPECT_EQ(status_after_work(before.id), "gone");
  EXPECT_EQ(usage().volumes, 1);
  EXPECT_EQ(usage().snapshots, 0);
}

TEST_P(Deletions, cascades_and_new_snapshots_at_once_leave_all_or_nothing) {
  for (int round = 0; round < 8; ++round) {
    const Volume before = available(1);
    taken(before);
    Result<Snapshot> made = refuse(RefusalCode::conflict, "not asked");
    ThreadGroup other(clock());
    other.spawn("snapshot", [&] { made = commands::create_snapshot(*commands_, context_, before, {}); });
    const auto accepted = cascade(before.id);
    other.wait();
    ASSERT_TRUE(made.has_value() || accepted.has_value()) << "one of the two wins";
    const std::string status = status_after_work(before.id);
    EXPECT_EQ(status, accepted ? "gone" : "available");
    EXPECT_EQ(count("SELECT count(*) FROM snapshot WHERE volume_id = '" + before.id.text + "'"), accepted ? 0 : 2);
    if (!accepted) {
      EXPECT_EQ(snapshot_after_work(made->id), "available");
      EXPECT_TRUE(cascade(before.id));
    }
    EXPECT_EQ(status_after_work(before.id), "gone");
  }
  expect_nothing_left();
}

TEST_P(Deletions, force_stops_a_create_and_takes_over_in_its_last_commit) {
  array_->script("create", "", Fate::error, 1000);
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
  ASSERT_TRUE(made);
  ASSERT_TRUE(tried(made->id.text, "provision"));
  EXPECT_FALSE(commands::delete_volume(*commands_, context_, *volume(made->id), {})) << "only by force";
  const auto accepted = force(made->id);
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_EQ(status_after_work(made->id), "gone");
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE kind = 'volume.create' AND state = 'cancelled'"), 1);
  expect_nothing_left();
}

TEST_P(Deletions, force_waits_for_what_can_no_longer_be_stopped) {
  const Volume before = available(1);
  array_->script("extend", "", Fate::error, 1);
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, before, 2, false));
  ASSERT_TRUE(tried(before.id.text, "grow"));
  ASSERT_TRUE(force(before.id));
  EXPECT_EQ(to_text(volume(before.id)->status), "extending");
  EXPECT_TRUE(force(before.id)) << "asked twice, it is the same deletion";
  hurry();
  EXPECT_EQ(status_after_work(before.id), "gone");
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE kind = 'volume.extend' AND state = 'succeeded'"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE kind = 'volume.delete'"), 1);
  expect_nothing_left();
}

TEST_P(Deletions, a_deletion_that_still_waits_for_its_turn_can_be_cancelled) {
  const Volume before = available(1);
  array_->script("extend", "", Fate::error, 1);
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, before, 2, false));
  ASSERT_TRUE(tried(before.id.text, "grow"));
  ASSERT_TRUE(force(before.id));
  const std::string deletion = volume(before.id)->next_op;
  ASSERT_TRUE(engine::request_cancel(database(), kinds_, deletion));
  hurry();
  EXPECT_EQ(status_after_work(before.id), "available");
  EXPECT_EQ(volume(before.id)->size_gib, 2);
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE kind = 'volume.delete' AND state = 'cancelled'"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM op_res"), 0);
}

TEST_P(Deletions, force_ends_an_attach_that_waits_for_its_backend) {
  const Volume before = available(1);
  door_.closed = true;
  const auto attaching = commands::create_attachment(*commands_, context_, before.id, {.instance_id = "vm", .connect = true, .connector = {.host = "h"}});
  ASSERT_TRUE(attaching) << attaching.error().message;
  ASSERT_TRUE(tried(attaching->attachment.id.text, "export"));
  EXPECT_FALSE(commands::delete_volume(*commands_, context_, *volume(before.id), {}));
  const auto accepted = force(before.id);
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_EQ(status_after_work(before.id), "gone");
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE kind = 'attachment.connect' AND state = 'cancelled'"), 1);
  expect_nothing_left();
}

TEST_P(Deletions, force_spares_a_volume_in_use) {
  const Volume before = available(1);
  const auto attaching = commands::create_attachment(*commands_, context_, before.id, {.instance_id = "vm", .connect = true, .connector = {.host = "h"}});
  ASSERT_TRUE(attaching);
  for (int i = 0; i < 500 && door_.size() == 0; ++i) clock().sleep(std::chrono::milliseconds{10});
  for (int i = 0; i < 500 && !commands::complete_attachment(*commands_, attaching->attachment); ++i) clock().sleep(std::chrono::milliseconds{10});
  const auto refused = force(before.id);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::invalid_state);
  EXPECT_EQ(to_text(volume(before.id)->status), "in-use");
  EXPECT_EQ(door_.size(), 1u);
}

TEST_P(Deletions, nobody_attaches_what_is_promised_to_a_deletion) {
  const Volume before = available(1);
  array_->script("extend", "", Fate::error, 1);
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, before, 2, false));
  ASSERT_TRUE(tried(before.id.text, "grow"));
  ASSERT_TRUE(force(before.id));
  EXPECT_FALSE(commands::create_attachment(*commands_, context_, before.id, {.connect = true, .connector = {.host = "h"}, .hidden = true}));
  EXPECT_FALSE(commands::create_volume(*commands_, context_, {.size_gib = 1, .source_volid = before.id.text}));
  hurry();
  EXPECT_EQ(status_after_work(before.id), "gone");
}

TEST_P(Deletions, force_stops_a_snapshot_that_is_being_taken) {
  const Volume before = available(1);
  array_->script("snapshot", "", Fate::error, 1000);
  const auto busy = commands::create_snapshot(*commands_, context_, before, {});
  ASSERT_TRUE(busy);
  ASSERT_TRUE(tried(busy->id.text, "take"));
  EXPECT_FALSE(commands::delete_snapshot(*commands_, context_, *snapshot(busy->id), false));
  const auto accepted = commands::delete_snapshot(*commands_, context_, *snapshot(busy->id), true);
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_EQ(snapshot_after_work(busy->id), "gone");
  EXPECT_EQ(volume(before.id)->snapshots, 0);
  EXPECT_EQ(volume(before.id)->s_ops, 0);
  EXPECT_TRUE(force(before.id));
  EXPECT_EQ(status_after_work(before.id), "gone");
  expect_nothing_left();
}

TEST_P(Deletions, cascade_and_force_end_a_revert_and_all_that_it_held) {
  const Volume before = available(1);
  const Snapshot newest = taken(before);
  array_->script("clone", "", Fate::error, 1000);
  ASSERT_TRUE(commands::revert_volume(*commands_, context_, *volume(before.id), newest.id.text));
  ASSERT_TRUE(tried(before.id.text, "fill"));
  const auto accepted = commands::delete_volume(*commands_, context_, *volume(before.id), {.cascade = true, .force = true});
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_EQ(status_after_work(before.id), "gone");
  expect_nothing_left();
}

}  // namespace
}  // namespace scoria
