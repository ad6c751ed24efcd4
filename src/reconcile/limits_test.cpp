#include "reconcile/limits.h"

#include "commands/attachments/attach.h"
#include "commands/qos/specs.h"
#include "operations/testing.h"

namespace scoria::reconcile {
namespace {

class LimitsOf : public operations::testing::Node {};
SCORIA_ON_NODE(LimitsOf);

TEST_P(LimitsOf, what_is_exported_follows_every_change_of_its_types_limits) {
  Limits limits(*services_);
  const Volume volume = available(2);
  const auto attaching = commands::create_attachment(*commands_, context_, volume.id, {.instance_id = "vm", .connect = true, .connector = {.host = "h"}});
  ASSERT_TRUE(attaching);
  const std::string id = attaching->attachment.id.text;
  for (int i = 0; i < 500 && !commands::complete_attachment(*commands_, attaching->attachment); ++i) clock().sleep(std::chrono::milliseconds{10});
  EXPECT_EQ(door_.spec(id)->throttle.total_iops, 0);

  const auto specs = commands::create_qos(*commands_, context_, "s", {{"total_iops_sec_per_gb", "10"}}, "back-end");
  ASSERT_TRUE(specs && commands::associate_qos(*commands_, specs->id, "type"));
  limits.turn();
  EXPECT_EQ(door_.spec(id)->throttle.total_iops, 20);
  ASSERT_TRUE(commands::update_qos(*commands_, specs->id, {{"total_iops_sec_per_gb", "50"}}));
  limits.turn();
  EXPECT_EQ(door_.spec(id)->throttle.total_iops, 100);
  ASSERT_TRUE(commands::update_qos(*commands_, specs->id, {{"consumer", "front-end"}}));
  limits.turn();
  EXPECT_EQ(door_.spec(id)->throttle.total_iops, 0) << "the host's business now";
  ASSERT_TRUE(commands::update_qos(*commands_, specs->id, {{"consumer", "both"}}));
  limits.turn();
  EXPECT_EQ(door_.spec(id)->throttle.total_iops, 100);
  ASSERT_TRUE(commands::disassociate_qos_all(*commands_, specs->id));
  limits.turn();
  EXPECT_EQ(door_.spec(id)->throttle.total_iops, 0);
}

TEST_P(LimitsOf, an_export_that_is_worked_on_is_brought_up_to_date_afterwards) {
  const Volume volume = available(1);
  const auto attaching = commands::create_attachment(*commands_, context_, volume.id, {.instance_id = "vm", .connect = true, .connector = {.host = "h"}});
  ASSERT_TRUE(attaching);
  const std::string id = attaching->attachment.id.text;
  for (int i = 0; i < 500 && !commands::complete_attachment(*commands_, attaching->attachment); ++i) clock().sleep(std::chrono::milliseconds{10});
  Limits limits(*services_);
  database().write([&](db::Transaction& tx) { tx.run("UPDATE attachment SET x_op = 'somebody' WHERE id = ?", {id}); });
  const auto specs = commands::create_qos(*commands_, context_, "s", {{"write_iops_sec", "5"}}, "back-end");
  ASSERT_TRUE(specs && commands::associate_qos(*commands_, specs->id, "type"));
  limits.turn();
  EXPECT_EQ(door_.spec(id)->throttle.write_iops, 0);
  database().write([&](db::Transaction& tx) { tx.run("UPDATE attachment SET x_op = NULL WHERE id = ?", {id}); });
  limits.turn();
  EXPECT_EQ(door_.spec(id)->throttle.write_iops, 5);
}

}  // namespace
}  // namespace scoria::reconcile
