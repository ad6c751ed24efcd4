#include "commands/services/state.h"
#include "commands/snapshots/delete.h"
#include "commands/types/defaults.h"
#include "commands/types/delete.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/extend.h"
#include "commands/volumes/revert.h"
#include "operations/testing.h"

namespace scoria {
namespace {

class Node : public operations::testing::Node {};
SCORIA_ON_NODE(Node);

TEST_P(Node, a_volume_is_made_and_deleted_and_nothing_stays) {
  const auto made = commands::create_volume(*commands_, context_, {.name = "first", .size_gib = 2});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(status_after_work(made->id), "available");
  EXPECT_EQ(usage().volumes, 1);
  EXPECT_EQ(usage().gigabytes, 2);
  EXPECT_EQ(count("SELECT allocated_bytes FROM pool"), 2 * gib);
  EXPECT_EQ(count("SELECT count(*) FROM op_res"), 0);

  const auto deleted = commands::delete_volume(*commands_, context_, *volume(made->id), {});
  ASSERT_TRUE(deleted) << deleted.error().message;
  EXPECT_EQ(status_after_work(made->id), "gone");
  EXPECT_EQ(usage().volumes, 0);
  EXPECT_EQ(usage().gigabytes, 0);
  EXPECT_EQ(count("SELECT allocated_bytes FROM pool"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM backend_object WHERE state <> 'gone'"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE state = 'succeeded'"), 2);
}

TEST_P(Node, a_create_goes_on_to_its_backend_in_the_same_hands_with_that_backends_generation) {
  database().write([](db::Transaction& tx) { tx.run("UPDATE backend SET gen = 7"); });
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(status_after_work(made->id), "available");
  EXPECT_EQ(count("SELECT epoch FROM operation"), 1) << "one claim, though two queues were passed through";
  EXPECT_EQ(count("SELECT backend_gen FROM operation"), 7);
}

TEST_P(Node, over_quota_leaves_no_trace) {
  const auto refused = commands::create_volume(*commands_, context_, {.size_gib = 1001});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::over_quota);
  EXPECT_EQ(refused.error().message,
            "Requested volume or snapshot exceeds allowed gigabytes quota. Requested 1001G, quota is 1000G and 0G has been consumed.");
  EXPECT_EQ(count("SELECT count(*) FROM volume"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM operation"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM outbox"), 0);
  EXPECT_EQ(usage().gigabytes, 0);
}

TEST_P(Node, a_volume_that_fits_nowhere_ends_in_error_and_gives_its_capacity_back) {
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 200});
  ASSERT_TRUE(made);
  EXPECT_EQ(status_after_work(made->id), "error");
  EXPECT_EQ(count("SELECT allocated_bytes FROM pool"), 0);
  EXPECT_EQ(usage().gigabytes, 200);
}

TEST_P(Node, a_snapshot_is_taken_cloned_from_and_outlived_by_its_clone) {
  const Volume source = available(1);
  const auto snapshot = commands::create_snapshot(*commands_, context_, source, {.name = "s"});
  ASSERT_TRUE(snapshot) << snapshot.error().message;
  EXPECT_EQ(snapshot_after_work(snapshot->id), "available");
  EXPECT_EQ(volume(source.id)->snapshots, 1);
  EXPECT_EQ(volume(source.id)->s_ops, 0);
  EXPECT_FALSE(commands::delete_volume(*commands_, context_, source, {})) << "a volume with snapshots is not deleted";

  const auto clone = commands::create_volume(*commands_, context_, {.size_gib = 2, .snapshot_id = snapshot->id.text});
  ASSERT_TRUE(clone) << clone.error().message;
  EXPECT_EQ(status_after_work(clone->id), "available");

  const auto now = database().read([&](db::Transaction& tx) { return store::snapshots::find(tx, snapshot->id); });
  ASSERT_TRUE(commands::delete_snapshot(*commands_, context_, *now, false));
  EXPECT_EQ(snapshot_after_work(snapshot->id), "gone");
  ASSERT_TRUE(commands::delete_volume(*commands_, context_, *volume(source.id), {}));
  EXPECT_EQ(status_after_work(source.id), "gone");
  EXPECT_EQ(status_after_work(clone->id), "available");
  EXPECT_EQ(usage().volumes, 1);
  EXPECT_EQ(usage().snapshots, 0);
  EXPECT_EQ(usage().gigabytes, 2);
}

TEST_P(Node, extending_charges_the_difference_and_grows_the_object) {
  const Volume before = available(1);
  const auto accepted = commands::extend_volume(*commands_, context_, before, 3, false);
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_EQ(status_after_work(before.id), "available");
  const Volume after = *volume(before.id);
  EXPECT_EQ(after.size_gib, 3);
  EXPECT_EQ(after.object_bytes, 3 * gib);
  EXPECT_EQ(usage().gigabytes, 3);
  EXPECT_EQ(count("SELECT allocated_bytes FROM pool"), 3 * gib);
}

TEST_P(Node, extending_where_nothing_is_left_gives_quota_and_capacity_back) {
  const Volume before = available(1);
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, before, 200, false));
  EXPECT_EQ(status_after_work(before.id), "error_extending");
  EXPECT_EQ(volume(before.id)->size_gib, 1);
  EXPECT_EQ(usage().gigabytes, 1);
  EXPECT_EQ(count("SELECT allocated_bytes FROM pool"), 1 * gib);
}

TEST_P(Node, reverting_flips_to_a_new_object_and_removes_nothing_that_is_needed) {
  const Volume before = available(1);
  const auto snapshot = commands::create_snapshot(*commands_, context_, before, {});
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot_after_work(snapshot->id), "available");
  const auto accepted = commands::revert_volume(*commands_, context_, *volume(before.id), snapshot->id.text);
  ASSERT_TRUE(accepted) << accepted.error().message;
  EXPECT_EQ(status_after_work(before.id), "available");
  EXPECT_NE(volume(before.id)->provider_name, before.provider_name);
  EXPECT_EQ(snapshot_after_work(snapshot->id), "available");
}

TEST_P(Node, what_fails_leaves_its_user_a_message_with_the_reason) {
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 200});
  ASSERT_TRUE(made);
  EXPECT_EQ(status_after_work(made->id), "error");
  const Volume small = available(1);
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, small, 200, false));
  EXPECT_EQ(status_after_work(small.id), "error_extending");

  const db::Rows told = database().read([](db::Transaction& tx) {
    return tx.query("SELECT m.action_id, m.detail_id, m.resource_id, m.project_id, m.request_id, o.err_text, m.text "
                    "FROM message m JOIN operation o ON o.id = m.id ORDER BY m.action_id");
  });
  ASSERT_EQ(told.size(), 2u) << "one per failure, none for what went well";
  EXPECT_EQ(told.at(0, 0).text() + told.at(0, 1).text() + told.at(0, 2).text(), "001003" + made->id.text);
  EXPECT_EQ(told.at(1, 0).text() + told.at(1, 1).text() + told.at(1, 2).text(), "007003" + small.id.text);
  EXPECT_EQ(told.at(0, 3).text() + told.at(0, 4).text(), "projectreq-1");
  EXPECT_EQ(told.at(0, 5).text(), told.at(0, 6).text());
  EXPECT_NE(told.at(0, 6).text(), "");
}

TEST_P(Node, a_zone_is_one_that_a_backend_is_in_or_the_fallback_if_the_operator_wants_one) {
  const auto unknown = commands::create_volume(*commands_, context_, {.size_gib = 1, .availability_zone = "moon"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, RefusalCode::invalid_input);
  EXPECT_EQ(count("SELECT COUNT(*) FROM volume"), 0);
  commands_->options.zone_fallback = true;
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1, .availability_zone = "moon"});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->availability_zone, "nova");
  EXPECT_EQ(status_after_work(made->id), "available");
}

TEST_P(Node, a_type_may_be_bound_to_zones) {
  database().write([](db::Transaction& tx) {
    store::pools::ensure_backend(tx, "two@fake", "", "far");
    store::types::insert(tx, {.id = {"there"}, .name = "there", .extra_specs = {{"RESKEY:availability_zones", "moon, far"}}});
    store::types::insert(tx, {.id = {"lost"}, .name = "lost", .extra_specs = {{"RESKEY:availability_zones", "moon"}}});
  });
  EXPECT_FALSE(commands::create_volume(*commands_, context_, {.size_gib = 1, .volume_type = "there", .availability_zone = "nova"}));
  EXPECT_FALSE(commands::create_volume(*commands_, context_, {.size_gib = 1, .volume_type = "lost"}));
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1, .volume_type = "there"});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->availability_zone, "far");
}

TEST_P(Node, on_a_frozen_backend_nothing_is_deleted_or_snapshot) {
  const Volume kept = available(1);
  const auto snapshot = commands::create_snapshot(*commands_, context_, kept, {});
  ASSERT_TRUE(snapshot);
  EXPECT_EQ(snapshot_after_work(snapshot->id), "available");
  ASSERT_TRUE(commands::set_frozen(*commands_, "one@fake", true));
  const auto refused = commands::create_snapshot(*commands_, context_, kept, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("frozen"), std::string::npos);
  const auto taken = database().read([&](db::Transaction& tx) { return store::snapshots::find(tx, snapshot->id); });
  EXPECT_FALSE(commands::delete_snapshot(*commands_, context_, *taken, false));
  EXPECT_FALSE(commands::delete_volume(*commands_, context_, kept, {}));
  ASSERT_TRUE(commands::set_frozen(*commands_, "one@fake", false));
  EXPECT_TRUE(commands::delete_snapshot(*commands_, context_, *taken, false));
  EXPECT_EQ(snapshot_after_work(snapshot->id), "gone");
  EXPECT_TRUE(commands::delete_volume(*commands_, context_, *volume(kept.id), {}));
}

TEST_P(Node, a_project_gets_its_own_default_type) {
  database().write([](db::Transaction& tx) { store::types::insert(tx, {.id = {"own"}, .name = "own"}); });
  ASSERT_TRUE(commands::set_default_type(*commands_, "project", "own"));
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->type.text, "own");
  EXPECT_FALSE(commands::delete_type(*commands_, "own")) << "a default type stays";
  commands::unset_default_type(*commands_, "project");
  EXPECT_FALSE(commands::delete_type(*commands_, "own")) << "a type in use stays";
}

}  // namespace
}  // namespace scoria
