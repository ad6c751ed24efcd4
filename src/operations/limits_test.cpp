#include "base/thread_group.h"
#include "commands/attachments/attach.h"
#include "commands/qos/specs.h"
#include "commands/volumes/extend.h"
#include "operations/testing.h"
#include "store/qos/qos.h"

namespace scoria {
namespace {

class Limited : public operations::testing::Node {
 protected:
  QosSpecs specs(const std::string& name, const Specs& limits, const std::string& consumer = "back-end") {
    const auto made = commands::create_qos(*commands_, context_, name, limits, consumer);
    EXPECT_TRUE(made);
    EXPECT_TRUE(commands::associate_qos(*commands_, made->id, "type"));
    return *made;
  }
  /// In use by a host; the attachment's id.
  std::string attached(const VolumeId& id) {
    const auto attaching = commands::create_attachment(*commands_, context_, id, {.instance_id = "vm", .connect = true, .connector = {.host = "h"}});
    EXPECT_TRUE(attaching);
    for (int i = 0; i < 500 && !commands::complete_attachment(*commands_, attaching->attachment); ++i) clock().sleep(std::chrono::milliseconds{10});
    return attaching->attachment.id.text;
  }
  std::string connection(const std::string& attachment) {
    return database().read([&](db::Transaction& tx) { return store::attachments::find(tx, {attachment})->connection; });
  }
};
SCORIA_ON_NODE(Limited);

TEST_P(Limited, an_export_keeps_the_limits_of_its_volumes_type) {
  specs("storage", {{"total_iops_sec_per_gb", "100"}, {"read_iops_sec", "7"}, {"write_bytes_sec", "1000"}});
  const Volume volume = available(2);
  const auto spec = door_.spec(attached(volume.id));
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->throttle.total_iops, 200);
  EXPECT_EQ(spec->throttle.read_iops, 0) << "the limit of all counts";
  EXPECT_EQ(spec->throttle.write_bytes, 1000);
}

TEST_P(Limited, limits_of_the_host_are_told_and_not_kept_by_the_storage) {
  specs("host", {{"total_iops_sec_per_gb", "100"}}, "front-end");
  const Volume volume = available(2);
  const std::string attachment = attached(volume.id);
  EXPECT_EQ(door_.spec(attachment)->throttle.total_iops, 0);
  EXPECT_NE(connection(attachment).find("qos_specs"), std::string::npos);
  EXPECT_NE(connection(attachment).find("total_iops_sec"), std::string::npos) << connection(attachment);
  EXPECT_EQ(connection(attachment).find("per_gb"), std::string::npos) << "worked out for its size";
}

TEST_P(Limited, both_keep_what_is_meant_for_both) {
  specs("both", {{"read_bytes_sec", "4096"}}, "both");
  const Volume volume = available(1);
  const std::string attachment = attached(volume.id);
  EXPECT_EQ(door_.spec(attachment)->throttle.read_bytes, 4096);
  EXPECT_NE(connection(attachment).find("4096"), std::string::npos);
}

TEST_P(Limited, a_volume_in_use_shows_its_host_the_new_size_and_the_limits_of_it) {
  specs("storage", {{"total_iops_sec_per_gb", "100"}});
  const Volume before = available(1);
  const std::string attachment = attached(before.id);
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, *volume(before.id), 3, true));
  EXPECT_EQ(status_after_work(before.id), "in-use");
  EXPECT_EQ(volume(before.id)->size_gib, 3);
  EXPECT_EQ(door_.spec(attachment)->size.count, 3 * gib);
  EXPECT_EQ(door_.spec(attachment)->throttle.total_iops, 300);
  EXPECT_EQ(count("SELECT count(*) FROM message"), 0);
}

TEST_P(Limited, a_host_that_cannot_be_shown_the_new_size_keeps_no_volume_from_growing) {
  const Volume before = available(1);
  const std::string attachment = attached(before.id);
  door_.stiff = true;
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, *volume(before.id), 2, true));
  EXPECT_EQ(status_after_work(before.id), "in-use");
  EXPECT_EQ(volume(before.id)->size_gib, 2);
  EXPECT_EQ(count("SELECT count(*) FROM message WHERE action_id = '007' AND text LIKE '%" + attachment + "%'"), 1);
}

TEST_P(Limited, who_connects_while_a_volume_grows_waits_for_its_size) {
  const Volume before = available(1);
  database().write([](db::Transaction& tx) { tx.run("UPDATE volume SET multiattach = 1, rev = rev + 1"); });
  attached(before.id);
  const auto second = commands::create_attachment(*commands_, context_, before.id, {.instance_id = "vm2"});
  ASSERT_TRUE(second) << second.error().message;
  array_->script("extend", "", drivers::fake::Fate::error, 1);
  ASSERT_TRUE(commands::extend_volume(*commands_, context_, *volume(before.id), 2, true));
  ASSERT_TRUE(tried(before.id.text, "grow"));
  const auto connecting = commands::connect_attachment(*commands_, context_, second->attachment, {.host = "h2"});
  ASSERT_TRUE(connecting) << connecting.error().message;
  for (int i = 0; i < 500 && count("SELECT count(*) FROM operation WHERE kind = 'attachment.connect' AND state = 'waiting'") == 0; ++i) clock().sleep(std::chrono::milliseconds{10});
  EXPECT_FALSE(door_.spec(second->attachment.id.text)) << "not exported with its old size";
  hurry();
  for (int i = 0; i < 500 && !door_.spec(second->attachment.id.text); ++i) clock().sleep(std::chrono::milliseconds{10});
  ASSERT_TRUE(door_.spec(second->attachment.id.text));
  EXPECT_EQ(door_.spec(second->attachment.id.text)->size.count, 2 * gib);
}

TEST_P(Limited, specs_are_changed_as_they_were_seen_and_each_change_is_counted) {
  const QosSpecs made = specs("s", {{"a", "1"}});
  const auto changes = [&] { return database().read([](db::Transaction& tx) { return store::qos::changes(tx); }); };
  const std::int64_t before = changes();
  ThreadGroup threads(clock());
  for (int i = 0; i < 4; ++i)
    threads.spawn("set", [&, i] { EXPECT_TRUE(commands::update_qos(*commands_, made.id, {{"k" + std::to_string(i), "v"}})); });
  threads.wait();
  const auto now = database().read([&](db::Transaction& tx) { return store::qos::find(tx, made.id); });
  EXPECT_EQ(now->specs.size(), 5u) << "nobody's key was lost";
  EXPECT_EQ(changes(), before + 4);
  EXPECT_FALSE(commands::delete_qos(*commands_, made.id, false)) << "a type has them";
  ASSERT_TRUE(commands::delete_qos(*commands_, made.id, true));
  EXPECT_EQ(count("SELECT count(*) FROM volume_type WHERE qos_specs_id IS NOT NULL"), 0);
}

}  // namespace
}  // namespace scoria
