#include "commands/attachments/attach.h"
#include "commands/snapshots/delete.h"
#include "commands/snapshots/update.h"
#include "commands/volumes/extend.h"
#include "engine/ending.h"
#include "engine/operations.h"
#include "operations/testing.h"

namespace scoria {
namespace {

using drivers::fake::Fate;

class Abandoning : public operations::testing::Node {
 protected:
  std::string operation_on(const std::string& resource) {
    return database().read([&](db::Transaction& tx) { return tx.query("SELECT id FROM operation WHERE resource_id = ? ORDER BY seq DESC LIMIT 1", {resource}).at(0, 0).text(); });
  }
};
SCORIA_ON_NODE(Abandoning);

TEST_P(Abandoning, what_cannot_proceed_ends_with_the_reason_and_gives_all_back) {
  array_->script("create", "", Fate::error, 1000);
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
  ASSERT_TRUE(made);
  ASSERT_TRUE(tried(made->id.text, "provision"));
  const std::string id = operation_on(made->id.text);
  const auto done = engine::abandon(database(), kinds_, id, "The array was sold.");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(status_after_work(made->id), "error");
  const auto ended = database().read([&](db::Transaction& tx) { return engine::find_operation(tx, id); });
  EXPECT_EQ(to_text(ended->state), "failed");
  EXPECT_EQ(ended->error_code + ": " + ended->error_text, "abandoned: The array was sold.");
  EXPECT_EQ(count("SELECT allocated_bytes FROM pool"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM op_res"), 0);
  EXPECT_EQ(count("SELECT count(*) FROM message WHERE text = 'The array was sold.'"), 1);
  const auto again = engine::abandon(database(), kinds_, id, "twice");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, RefusalCode::conflict);
}

TEST_P(Abandoning, whoever_runs_it_can_commit_nothing_any_more) {
  array_->set_faults({.latency_min = std::chrono::milliseconds{600}, .latency_max = std::chrono::milliseconds{600}});
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
  ASSERT_TRUE(made);
  for (int i = 0; i < 500 && count("SELECT count(*) FROM operation WHERE state = 'running' AND step = 'provision'") == 0; ++i) clock().sleep(std::chrono::milliseconds{5});
  const std::string id = operation_on(made->id.text);
  ASSERT_TRUE(engine::abandon(database(), kinds_, id, "Too slow."));
  clock().sleep(std::chrono::milliseconds{900});  // the driver's call returns well
  EXPECT_EQ(to_text(volume(made->id)->status), "error");
  EXPECT_EQ(volume(made->id)->provider_name, "");
  EXPECT_EQ(count("SELECT count(*) FROM operation WHERE state = 'failed' AND owner IS NULL"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM backend_object WHERE state IN ('intended', 'published')"), 0) << "what it made is doomed";
}

TEST_P(Abandoning, a_failed_attach_tells_its_user_about_the_volume) {
  const Volume before = available(1);
  door_.closed = true;
  const auto attaching = commands::create_attachment(*commands_, context_, before.id, {.connect = true, .connector = {.host = "h"}});
  ASSERT_TRUE(attaching);
  ASSERT_TRUE(tried(attaching->attachment.id.text, "export"));
  ASSERT_TRUE(engine::abandon(database(), kinds_, attaching->operation, "No door."));
  EXPECT_EQ(count("SELECT count(*) FROM message WHERE action_id = '004' AND resource_type = 'VOLUME' AND resource_id = '" + before.id.text + "'"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM attachment WHERE attach_status = 'error_attaching' AND x_op IS NULL"), 1);
}

TEST_P(Abandoning, a_compute_service_tells_how_far_its_own_snapshots_are) {
  const Volume before = available(1);
  const Snapshot made = taken(before);
  const auto tell = [&](const std::string& status, std::optional<int> progress) { return commands::update_snapshot_status(*commands_, made.id, status, progress).has_value(); };
  EXPECT_FALSE(tell("error", {})) << "an available one is nobody's to tell";
  database().write([&](db::Transaction& tx) { tx.run("UPDATE snapshot SET status = 'creating', rev = rev + 1 WHERE id = ?", {made.id.text}); });
  EXPECT_TRUE(tell("creating", 80));
  EXPECT_EQ(snapshot(made.id)->progress, 80);
  EXPECT_FALSE(tell("deleting", {}));
  EXPECT_FALSE(tell("nonsense", {}));
  EXPECT_TRUE(tell("available", {}));
  array_->script("remove", "", Fate::error, 1000);
  ASSERT_TRUE(commands::delete_snapshot(*commands_, context_, *snapshot(made.id), false));
  const auto refused = commands::update_snapshot_status(*commands_, made.id, "error_deleting", {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, RefusalCode::conflict) << "an operation tells its status itself";
}

}  // namespace
}  // namespace scoria
