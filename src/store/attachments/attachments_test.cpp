#include "store/attachments/attachments.h"

#include "store/attachments/exported.h"
#include "store/qos/qos.h"
#include "store/testing.h"
#include "store/types/types.h"
#include "store/volumes/volumes.h"

namespace scoria::store::attachments {
namespace {

using testing::joined;
using testing::Texts;

/// Two attachments of a volume that differ in nothing but their id.
class AttachmentRows : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database().write([](db::Transaction& tx) {
      qos::insert(tx, {.id = "q", .name = "slow", .consumer = "both", .specs = {{"total_iops_sec", "9"}}});
      types::insert(tx, {.id = {"t"}, .name = "fast", .qos_specs_id = "q", .extra_specs = {}});
      types::insert(tx, {.id = {"u"}, .name = "free", .extra_specs = {}});
      for (const char* id : {"v", "w"})
        volumes::insert(tx, {.id = {id}, .project_id = "of-" + std::string(id), .user_id = "u", .size_gib = 7, .type = {*id == 'v' ? "t" : "u"}, .availability_zone = "nova",
                             .backend = "at-" + std::string(id), .pool = "p", .charge = {}});
    });
  }
  void twins(const std::string& set = "rev = 5") {
    database().write([&](db::Transaction& tx) {
      tx.run("DELETE FROM attachment");
      for (const char* id : {"a", "b"})
        tx.run("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, mountpoint, attach_mode, rev, created_at, updated_at) "
               "VALUES (?, 'v', 'p', 'u', 'reserved', '/dev/vdb', 'rw', 5, 1, 2)", {id});
      tx.run("UPDATE attachment SET " + set);
    });
  }
  std::string changed(const std::string& as, const Work& work) {
    twins(as);
    return changes("attachment", "id", "attach_status, x_op, x_mode, next_op, rev, mountpoint, attach_mode, attached_host, connector, connection, updated_at, attach_time", work);
  }
};
SCORIA_EVERY_ENGINE(AttachmentRows);

std::string everything(const Attachment& a) {
  return joined(a.id, a.volume_id, a.project_id, a.user_id, a.instance_id, a.attached_host, a.mountpoint, a.attach_mode, a.attach_status, a.connector, a.connection) + " " +
         joined(a.hidden, a.x_op, a.x_mode, a.rev, a.created_at, a.updated_at, a.attach_time, a.detach_time);
}

TEST_P(AttachmentRows, are_read_as_they_were_written_with_their_volume) {
  twins("volume_id = 'w'");
  database().write([](db::Transaction& tx) {
    insert(tx, {.id = {"c"}, .volume_id = {"v"}, .project_id = "p", .user_id = "u", .instance_id = "i", .attached_host = "h", .mountpoint = "/dev/vdc", .attach_mode = "ro",
                .attach_status = "attached", .connector = "{}", .connection = "sealed", .hidden = true, .x_op = "o", .x_mode = "X"});
    insert(tx, {.id = {"d"}, .volume_id = {"v"}, .project_id = "p", .user_id = "u", .attach_status = "reserved"});
  });
  EXPECT_EQ(rows("SELECT created_at, attach_time, hidden FROM attachment WHERE volume_id = 'v' ORDER BY id"), (Texts{"now|now|1", "now|-|0"}));
  run("UPDATE attachment SET rev = 24, created_at = 25, updated_at = 26, attach_time = 27, detach_time = 28 WHERE id = 'c'");
  run("UPDATE attachment SET created_at = 24 WHERE id = 'd'");
  const std::string whole = "c|v|p|u|i|h|/dev/vdc|ro|attached|{}|sealed yes|o|X|24|25|26|27|28";
  EXPECT_EQ(everything(*read([](auto& tx) { return find(tx, {"c"}); })), whole);
  EXPECT_EQ(everything(*read([](auto& tx) { return find(tx, {"a"}); })), "a|w|p|u|||/dev/vdb|rw|reserved|| no|||5|1|2|0|0");
  EXPECT_FALSE(read([](auto& tx) { return find(tx, {"nobody"}); }));
  for (const int others : {0, 1, 2}) {
    run("UPDATE volume SET attachments = ? WHERE id = 'v'", {others});
    const auto placed = read([](auto& tx) { return find_placed(tx, {"c"}); });
    ASSERT_TRUE(placed);
    EXPECT_EQ(everything(placed->attachment), whole);
    EXPECT_EQ(joined(placed->backend, placed->volume_project, placed->alone()), others == 1 ? "at-v|of-v|yes" : "at-v|of-v|no");
  }
  EXPECT_FALSE(read([](auto& tx) { return find_placed(tx, {"nobody"}); }));
}

TEST_P(AttachmentRows, are_told_by_volume_oldest_first) {
  twins("connection = 'sealed'");
  run("UPDATE attachment SET created_at = 9 WHERE id = 'a'");
  run("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, connection, created_at) VALUES "
      "('c', 'w', 'p', 'u', 'reserved', 'sealed', 1), ('d', 'v', 'p', 'u', 'reserved', NULL, 1)");
  const auto ids = [](const std::vector<Attachment>& all) {
    std::string out;
    for (const Attachment& one : all) out += one.id.text;
    return out;
  };
  EXPECT_EQ(ids(read([](auto& tx) { return of_volume(tx, {"v"}); })), "bda");
  EXPECT_EQ(ids(read([](auto& tx) { return of_volume(tx, {"nobody"}); })), "");
  auto both = read([](auto& tx) { return of_volumes(tx, {"v", "w"}); });
  EXPECT_EQ(ids(both["v"]) + " " + ids(both["w"]), "bda c");
  EXPECT_EQ(both.size(), 2u);
  EXPECT_EQ(read([](auto& tx) { return of_volumes(tx, {"v", "w", "nobody"}); }).size(), 2u);
  EXPECT_TRUE(read([](auto& tx) { return of_volumes(tx, {}); }).empty());
  EXPECT_EQ(read([](auto& tx) { return connected_of_backend(tx, "at-v"); }), (Texts{"a", "b"}));
  EXPECT_EQ(read([](auto& tx) { return connected_of_backend(tx, "at-w"); }), Texts{"c"});
}

TEST_P(AttachmentRows, are_exported_from_what_their_volume_is) {
  twins();
  run("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, created_at) VALUES ('c', 'w', 'p', 'u', 'reserved', 1)");
  const auto limited = read([](auto& tx) { return find_exported(tx, {"a"}); });
  ASSERT_TRUE(limited);
  EXPECT_EQ(joined(limited->attachment.id, limited->attachment.updated_at, limited->volume.id, limited->volume.backend, limited->volume.size_gib), "a|2|v|at-v|7");
  EXPECT_TRUE(limited->volume.created_at);
  ASSERT_TRUE(limited->qos);
  EXPECT_EQ(joined(limited->qos->id, limited->qos->specs.at("total_iops_sec"), limited->qos->consumer), "q|9|both");
  const auto free = read([](auto& tx) { return find_exported(tx, {"c"}); });
  ASSERT_TRUE(free);
  EXPECT_EQ(joined(free->attachment.id, free->volume.id), "c|w");
  EXPECT_FALSE(free->qos);
  EXPECT_FALSE(read([](auto& tx) { return find_exported(tx, {"nobody"}); }));
}

TEST_P(AttachmentRows, are_claimed_and_promised) {
  const auto taken = [](auto& tx) { take(tx, "taken", {"a"}, "o", "'attached', 'reserved'", "attaching"); };
  EXPECT_EQ(changed("rev = 5", taken), "a: attach_status=attaching x_op=o x_mode=X rev=6 updated_at=now");
  EXPECT_EQ(changed("x_op = 'h'", taken), "refused: taken");
  EXPECT_EQ(changed("attach_status = 'detaching'", taken), "refused: taken");
  const auto queue = [](auto& tx) { queue_behind(tx, "behind", {"a"}, "h", "o"); };
  EXPECT_EQ(changed("x_op = 'h'", queue), "a: next_op=o rev=6 updated_at=now");
  EXPECT_EQ(changed("x_op = 'h', next_op = 'n'", queue), "refused: behind");
  EXPECT_EQ(changed("x_op = 'i'", queue), "refused: behind");
}

TEST_P(AttachmentRows, tell_what_their_operation_did) {
  EXPECT_EQ(changed("rev = 5", [](auto& tx) { prepare(tx, {"a"}, "{}", "h", "ro", "sealed"); }), "a: attach_mode=ro attached_host=h connector={} connection=sealed");
  EXPECT_EQ(changed("rev = 5", [](auto& tx) { prepare(tx, {"a"}, "{}", "", "", "sealed"); }), "a: connector={} connection=sealed");
  const std::string held = "x_op = 'o', x_mode = 'X', attach_status = 'attaching'", back = " x_op=- x_mode=- rev=6";
  const auto connected = [](auto& tx) { settle_connected(tx, {"a"}, "o", "sealed"); };
  EXPECT_EQ(changed(held, connected), "a:" + back + " connection=sealed updated_at=now");
  EXPECT_EQ(changed(held + ", next_op = 'n'", connected), "a: x_op=n next_op=- rev=6 connection=sealed updated_at=now");
  EXPECT_EQ(changed("x_op = 'p'", connected), "refused: attachment.connected");
  const auto settled = [](auto& tx) { settle(tx, {"a"}, "o", "error_attaching"); };
  EXPECT_EQ(changed(held, settled), "a: attach_status=error_attaching" + back + " updated_at=now");
  EXPECT_EQ(changed("x_op = 'p'", settled), "refused: attachment.settle");
}

TEST_P(AttachmentRows, are_completed_and_removed_while_nobody_else_holds_them) {
  const auto complete_at = [](const char* mountpoint) { return [=](db::Transaction& tx) { complete(tx, "complete", {"a"}, mountpoint); }; };
  EXPECT_EQ(changed("attach_status = 'attaching'", complete_at("/dev/vdd")), "a: attach_status=attached rev=6 mountpoint=/dev/vdd updated_at=now attach_time=now");
  EXPECT_EQ(changed("attach_status = 'attached'", complete_at("")), "a: rev=6 updated_at=now attach_time=now");
  EXPECT_EQ(changed("attach_status = 'reserved'", complete_at("")), "refused: complete");
  EXPECT_EQ(changed("attach_status = 'attaching', x_op = 'o'", complete_at("")), "refused: complete");
  const auto removed = [](const char* operation) { return [=](db::Transaction& tx) { remove(tx, "remove", {"a"}, operation); }; };
  EXPECT_EQ(changed("rev = 5", removed("")), "a: gone");
  EXPECT_EQ(changed("connection = 'sealed'", removed("")), "refused: remove");
  EXPECT_EQ(changed("x_op = 'o'", removed("")), "refused: remove");
  EXPECT_EQ(changed("x_op = 'o', connection = 'sealed'", removed("o")), "a: gone");
  EXPECT_EQ(changed("x_op = 'p'", removed("o")), "refused: remove");
}

}  // namespace
}  // namespace scoria::store::attachments
