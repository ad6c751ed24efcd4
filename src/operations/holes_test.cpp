#include <atomic>

#include "base/thread_group.h"
#include "commands/attachments/attach.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/update.h"
#include "operations/testing.h"

// Holes of active-active Cinder that Scoria does not have: docs/explanation/cinder-holes.md.
namespace scoria {
namespace {

class Holes : public operations::testing::Node {};
SCORIA_ON_NODE(Holes);

TEST_P(Holes, h5_h6_a_request_that_dies_half_way_leaves_nothing) {
  for (const char* table : {"operation", "outbox", "quota_usage"}) {
    // The process dies at the statement that writes this table: nothing of the transaction is there.
    database().write([&](db::Transaction& tx) { tx.run(fmt::format("ALTER TABLE {} RENAME TO away", table)); });
    EXPECT_THROW(static_cast<void>(commands::create_volume(*commands_, context_, {.size_gib = 1})), std::exception) << table;
    database().write([&](db::Transaction& tx) { tx.run(fmt::format("ALTER TABLE away RENAME TO {}", table)); });
    EXPECT_EQ(count("SELECT count(*) FROM volume"), 0) << table;
    EXPECT_EQ(count("SELECT count(*) FROM operation"), 0) << table;
    EXPECT_EQ(usage().volumes, 0) << table;
  }
}

TEST_P(Holes, h7_a_lost_wake_up_costs_a_moment_and_nothing_else) {
  commands_->poke = [](const std::string&) {};
  EXPECT_EQ(to_text(available(1).status), "available");
}

TEST_P(Holes, h12_a_volume_is_not_deleted_under_its_last_detach) {
  for (int i = 0; i < 5; ++i) {
    const Volume made = available(1);
    const auto attaching = commands::create_attachment(*commands_, context_, made.id, {.instance_id = "vm", .connect = true, .connector = {.host = "h"}});
    ASSERT_TRUE(attaching);
    for (int tries = 0; tries < 500 && !commands::complete_attachment(*commands_, attaching->attachment); ++tries) clock().sleep(std::chrono::milliseconds{5});
    ThreadGroup threads(clock());
    std::atomic<bool> deleted{false};
    threads.spawn("detach", [&] { EXPECT_TRUE(commands::remove_attachment(*commands_, context_, attaching->attachment)); });
    threads.spawn("delete", [&] {
      for (int tries = 0; tries < 1000 && !deleted; ++tries) {
        const auto seen = volume(made.id);
        deleted = bool(commands::delete_volume(*commands_, context_, *seen, {}));
        // Whoever is told yes is told so after the last attachment went.
        if (deleted) EXPECT_EQ(count("SELECT count(*) FROM attachment WHERE volume_id = '" + made.id.text + "'"), 0);
        else clock().sleep(std::chrono::milliseconds{1});
      }
    });
    threads.wait();
    EXPECT_TRUE(deleted);
    EXPECT_EQ(status_after_work(made.id), "gone");
    EXPECT_EQ(door_.size(), 0u);
  }
}

TEST_P(Holes, h13_schedulers_at_once_never_promise_more_than_there_is) {
  constexpr int schedulers = 8, each = 10, room = 20;
  database().write([&](db::Transaction& tx) { tx.run("UPDATE pool SET limit_bytes = ?", {room * gib}); });
  ThreadGroup threads(clock());
  std::atomic<int> promised{0};
  for (int i = 0; i < schedulers; ++i)
    threads.spawn("scheduler", [&] {
      for (int k = 0; k < each; ++k) {
        const auto taken = database().transact(
            [&](db::Transaction& tx) -> Result<bool> {
              store::pools::take(tx, "one@fake", "pool", gib, 1);
              return true;
            },
            [](std::string_view guard) { return Refusal{RefusalCode::conflict, std::string(guard), {}}; });
        promised += taken ? 1 : 0;
      }
    });
  threads.wait();
  EXPECT_EQ(promised, room);
  EXPECT_EQ(count("SELECT allocated_bytes FROM pool"), room * gib);
}

TEST_P(Holes, h19_reset_state_never_takes_a_resource_from_its_operation) {
  array_->script("create", "", drivers::fake::Fate::error, 1000);
  const auto made = commands::create_volume(*commands_, context_, {.size_gib = 1});
  ASSERT_TRUE(made);
  const auto refused = commands::reset_volume_status(*commands_, *volume(made->id), "available", {}, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(volume(made->id)->x_op), std::string::npos) << refused.error().message;
  EXPECT_EQ(to_text(volume(made->id)->status), "creating");
}

}  // namespace
}  // namespace scoria
