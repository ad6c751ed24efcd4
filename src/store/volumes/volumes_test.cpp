#include "store/volumes/volumes.h"

#include "store/testing.h"
#include "store/volumes/hosts.h"
#include "store/volumes/list.h"

namespace scoria::store::volumes {
namespace {

using testing::joined;
using testing::Texts;
using enum VolumeStatus;

/// Two volumes that differ in nothing but their id: what is done to one shows when it reaches the other.
class VolumeRows : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'fast', 1, '{}', 1)");
  }
  /// Afresh, and then with these columns as said.
  void twins(const std::string& set = "rev = 5") {
    database().write([&](db::Transaction& tx) {
      tx.run("DELETE FROM volume");
      for (const char* id : {"a", "b"})
        tx.run("INSERT INTO volume (id, project_id, user_id, size_gib, status, previous_status, attach_status, volume_type_id, availability_zone, metadata, image_metadata, "
               "charged_gib, rev, created_at, updated_at) VALUES (?, 'p', 'u', 3, 'available', 'creating', 'detached', 't', 'nova', '{}', '{}', 3, 5, 1, 2)", {id});
      tx.run("UPDATE volume SET " + set);
    });
  }
  std::string changed(const Work& work) {
    return changes("volume", "id",
                   "status, previous_status, attach_status, migration_status, x_op, x_mode, next_op, s_ops, rev, backend, pool, object_bytes, provider_name, size_gib, "
                   "charged_gib, name, description, metadata, image_metadata, bootable, readonly, updated_at, launched_at", work);
  }
  Volume found(const std::string& id = "a") {
    return *database().read([&](db::Transaction& tx) { return find(tx, {id}); });
  }
};
SCORIA_EVERY_ENGINE(VolumeRows);

std::string everything(const Volume& v) {
  return joined(v.id, v.project_id, v.user_id, v.name, v.description, v.size_gib, to_text(v.status), v.previous_status, v.attach_status, v.migration_status,
                v.replication_status, v.type, v.availability_zone, v.backend, v.pool, v.provider_name, v.object_bytes, v.snapshot_id, v.source_volid, v.group_id) +
         " " +
         joined(v.bootable, v.multiattach, v.readonly, v.consumes_quota, v.metadata, v.image_metadata, v.snapshots, v.attachments, v.charge.project, v.charge.type,
                v.charge.gib, v.x_op, v.x_mode, v.next_op, v.s_ops, v.rev, v.created_at, v.updated_at, v.launched_at);
}

TEST_P(VolumeRows, are_read_as_they_were_written) {
  twins();
  database().write([](db::Transaction& tx) {
    insert(tx, {.id = {"c"}, .project_id = "p", .user_id = "u", .name = "n", .description = "d", .size_gib = 7, .status = in_use, .attach_status = "attached",
                .replication_status = "enabled", .type = {"t"}, .availability_zone = "z", .backend = "h@b", .pool = "q", .object_bytes = 11, .snapshot_id = "s",
                .source_volid = "v", .group_id = "g", .bootable = true, .multiattach = false, .consumes_quota = false, .metadata = R"({"k":"1"})",
                .image_metadata = R"({"i":"2"})", .charge = {"cp", "ct", 8}, .x_op = "o", .x_mode = "L"});
  });
  EXPECT_EQ(rows("SELECT created_at, readonly, rev FROM volume WHERE id = 'c'"), Texts{"now|0|0"});
  run("UPDATE volume SET previous_status = 'ps', migration_status = 'ms', provider_name = 'pn', readonly = 1, snapshots = 21, attachments = 22, next_op = 'no', s_ops = 23, "
      "rev = 24, created_at = 25, updated_at = 26, launched_at = 27 WHERE id = 'c'");
  EXPECT_EQ(everything(found("c")), "c|p|u|n|d|7|in-use|ps|attached|ms|enabled|t|z|h@b|q|pn|11|s|v|g "
                                    R"(yes|no|yes|no|{"k":"1"}|{"i":"2"}|21|22|cp|ct|8|o|L|no|23|24|25|26|27)");
  EXPECT_EQ(everything(found("a")), "a|p|u|||3|available|creating|detached|||t|nova||||0||| no|no|no|yes|{}|{}|0|0|||3||||0|5|1|2|0");
  EXPECT_FALSE(read([](auto& tx) { return find(tx, {"nobody"}); }));
  db::Rows second = read([](auto& tx) { return tx.query("SELECT 'x', " + std::string(columns) + " FROM volume ORDER BY id"); });
  EXPECT_EQ(volumes::read(second, 1, 1).id.text, "b");
}

TEST_P(VolumeRows, are_claimed_with_the_status_that_says_so) {
  const auto taken = [&](std::string_view also) {
    return changed([&](auto& tx) { take(tx, "taken", {"a"}, "o", 'L', {error, available}, extending, also); });
  };
  twins();
  EXPECT_EQ(taken({}), "a: status=extending previous_status=available x_op=o x_mode=L rev=6 updated_at=now");
  EXPECT_EQ(taken({}), "refused: taken");
  twins("status = 'error'");
  EXPECT_EQ(taken("size_gib = 3"), "a: status=extending previous_status=error x_op=o x_mode=L rev=6 updated_at=now");
  twins("size_gib = 4");
  EXPECT_EQ(taken("size_gib = 3"), "refused: taken");
  twins("status = 'in-use'");
  EXPECT_EQ(taken({}), "refused: taken");
  twins();
  const auto grow = [&] { return changed([](auto& tx) { take_to_grow(tx, "grow", {"a"}, "o", 3, 7, {available, in_use}); }); };
  EXPECT_EQ(grow(), "a: status=extending previous_status=available x_op=o x_mode=L rev=6 charged_gib=7 updated_at=now");
  EXPECT_EQ(grow(), "refused: grow");
  twins("size_gib = 4");
  EXPECT_EQ(grow(), "refused: grow");
}

TEST_P(VolumeRows, are_promised_to_a_deletion_that_may_step_back) {
  twins("x_op = 'h', x_mode = 'L'");
  const Volume seen = found();
  const auto queue = [&] { return changed([&](auto& tx) { queue_behind(tx, "behind", seen, "o"); }); };
  EXPECT_EQ(queue(), "a: next_op=o rev=6 updated_at=now");
  EXPECT_EQ(queue(), "refused: behind");
  for (const char* other : {"rev = 6", "x_op = 'i'", "next_op = 'n'"}) {
    twins("x_op = 'h', x_mode = 'L'"), run(std::string("UPDATE volume SET ") + other);
    EXPECT_EQ(queue(), "refused: behind") << other;
  }
  twins("next_op = 'o'");
  EXPECT_EQ(changed([](auto& tx) { step_back(tx, {"a"}, "o"); }), "a: next_op=- rev=6 updated_at=now");
  EXPECT_EQ(changed([](auto& tx) { step_back(tx, {"b"}, "p"); }), "refused: volume.settle");
}

TEST_P(VolumeRows, tell_who_saw_them_elsewhere) {
  twins();
  Volume seen = found();
  EXPECT_EQ(changed([&](auto& tx) { require_at(tx, seen); }), "a: rev=6");
  twins("backend = 'h@b'");
  seen = found();
  EXPECT_EQ(changed([&](auto& tx) { require_at(tx, seen); }), "a: rev=6");
  seen.backend = "h@c";
  EXPECT_EQ(changed([&](auto& tx) { require_at(tx, seen); }), "refused: moved");
  twins("x_op = 'o'");
  EXPECT_EQ(changed([](auto& tx) { place(tx, {"a"}, "o", "h@b", "q", 9); }), "a: rev=6 backend=h@b pool=q object_bytes=9 updated_at=now");
  EXPECT_EQ(changed([](auto& tx) { place(tx, {"a"}, "o", "", "", 0); }), "a: rev=7 backend=- pool=- object_bytes=0") << "back";
  EXPECT_EQ(changed([](auto& tx) { place(tx, {"a"}, "p", "h@b", "q", 9); }), "refused: volume.place");
}

TEST_P(VolumeRows, rest_when_their_holder_is_done) {
  const std::string held = "x_op = 'o', x_mode = 'L', status = 'extending', previous_status = 'in-use'";
  const std::string back = " x_op=- x_mode=- rev=6";
  const auto as_held = [&](const Work& work, const std::string& also = "rev = 5") {
    twins(held), run("UPDATE volume SET " + also);
    return changed(work);
  };
  const auto settled = [](auto& tx) { settle(tx, {"a"}, "o", extending, error); };
  EXPECT_EQ(as_held(settled), "a: status=error" + back + " updated_at=now");
  EXPECT_EQ(as_held(settled, "next_op = 'n'"), "a: status=deleting previous_status=error x_op=n x_mode=X next_op=- rev=6 updated_at=now") << "the deletion is next";
  for (const char* other : {"x_op = 'p'", "status = 'error'"}) EXPECT_EQ(as_held(settled, other), "refused: volume.settle") << other;
  EXPECT_EQ(as_held([](auto& tx) { settle_back(tx, {"a"}, "o", extending); }), "a: status=in-use" + back + " updated_at=now");
  EXPECT_EQ(as_held([](auto& tx) { settle_grown(tx, {"a"}, "o", 8, 80); }), "a: status=in-use" + back + " object_bytes=80 size_gib=8 updated_at=now");
  EXPECT_EQ(as_held([](auto& tx) { settle_not_grown(tx, {"a"}, "o", 2, 20, true); }), "a: status=in-use" + back + " object_bytes=20 charged_gib=2 updated_at=now");
  EXPECT_EQ(as_held([](auto& tx) { settle_not_grown(tx, {"a"}, "o", 2, 20, false); }),
            "a: status=error_extending" + back + " object_bytes=20 charged_gib=2 updated_at=now");
  EXPECT_EQ(as_held([](auto& tx) { settle_flipped(tx, {"a"}, "o", extending, "n.r2"); }), "a: status=in-use" + back + " provider_name=n.r2 updated_at=now");
  const auto published = [](auto& tx) { publish(tx, {"a"}, "o", "n"); };
  EXPECT_EQ(as_held(published, "status = 'creating'"), "a: status=available" + back + " provider_name=n updated_at=now launched_at=now");
  EXPECT_EQ(as_held(published), "refused: volume.publish");
}

TEST_P(VolumeRows, go_when_their_holder_ends_them_and_nothing_hangs_on_them) {
  const auto quiet = [](auto& tx) { require_quiet(tx, {"a"}, "o"); };
  const auto removed = [](auto& tx) { remove(tx, {"a"}, "o"); };
  twins("x_op = 'o'");
  EXPECT_EQ(changed(quiet), "a: rev=6");
  EXPECT_EQ(changed(removed), "a: gone");
  for (const char* other : {"x_op = 'p'", "next_op = 'n'", "s_ops = 1", "snapshots = 1", "attachments = 1"}) {
    twins("x_op = 'o'"), run(std::string("UPDATE volume SET ") + other);
    EXPECT_EQ(changed(removed), "refused: volume.remove") << other;
  }
  twins("x_op = 'o', s_ops = 1");
  EXPECT_EQ(changed(quiet), "refused: volume.quiet");
}

TEST_P(VolumeRows, change_without_a_claim_as_they_were_seen) {
  const auto change = [&](const std::string& as, const Work& work) {
    twins(as);
    return changed(work);
  };
  EXPECT_EQ(change("rev = 5", [](auto& tx) { EXPECT_EQ(describe(tx, {"a"}, 5, "n", "d"), 1); }), "a: rev=6 name=n description=d updated_at=now");
  EXPECT_EQ(change("rev = 5", [](auto& tx) { EXPECT_EQ(set_metadata(tx, {"a"}, 5, "m"), 1); }), "a: rev=6 metadata=m updated_at=now");
  EXPECT_EQ(change("rev = 5", [](auto& tx) { EXPECT_EQ(set_image_metadata(tx, {"a"}, 5, "m"), 1); }), "a: rev=6 image_metadata=m updated_at=now");
  EXPECT_EQ(change("rev = 6", [](auto& tx) {
              EXPECT_EQ(describe(tx, {"a"}, 5, "n", "d"), 0);
              EXPECT_EQ(set_metadata(tx, {"a"}, 5, "m"), 0);
              EXPECT_EQ(set_image_metadata(tx, {"a"}, 5, "m"), 0);
            }), "");
  EXPECT_EQ(change("rev = 5", [](auto& tx) { EXPECT_EQ(set_bootable(tx, {"a"}, true), 1); }), "a: rev=6 bootable=1 updated_at=now");
  EXPECT_EQ(change("status = 'maintenance'", [](auto& tx) { EXPECT_EQ(set_bootable(tx, {"a"}, true), 0); }), "");
  EXPECT_EQ(change("rev = 5", [](auto& tx) { EXPECT_EQ(set_readonly(tx, {"a"}, true), 1); }), "a: rev=6 readonly=1 updated_at=now");
  for (const char* other : {"status = 'in-use'", "x_op = 'o'"})
    EXPECT_EQ(change(other, [](auto& tx) { EXPECT_EQ(set_readonly(tx, {"a"}, true), 0); }), "") << other;
}

TEST_P(VolumeRows, get_another_status_while_nobody_holds_them) {
  const auto reserve = [&](std::string_view also) {
    return changed([&](auto& tx) { change_status(tx, {"a"}, {in_use, available}, reserved, also); });
  };
  twins();
  EXPECT_EQ(reserve({}), "a: status=reserved previous_status=available rev=6 updated_at=now");
  twins();
  EXPECT_EQ(reserve("size_gib = 3"), "a: status=reserved previous_status=available rev=6 updated_at=now");
  EXPECT_EQ(reserve({}), "");
  twins("size_gib = 4");
  EXPECT_EQ(reserve("size_gib = 3"), "");
  twins("x_op = 'o'");
  EXPECT_EQ(reserve({}), "");
  const auto overridden = [&](const std::string& attach, const std::string& migration) {
    return changed([&](auto& tx) { override_status(tx, {"a"}, 5, error, attach, migration); });
  };
  EXPECT_EQ(overridden("", ""), "");
  twins();
  EXPECT_EQ(overridden("", ""), "a: status=error previous_status=available rev=6 updated_at=now");
  EXPECT_EQ(overridden("", ""), "") << "it is not as it was seen any more";
  twins();
  EXPECT_EQ(overridden("attached", "success"), "a: status=error previous_status=available attach_status=attached migration_status=success rev=6 updated_at=now");
}

TEST_P(VolumeRows, are_summed_by_project_and_told_where_they_are) {
  const auto add = [&](const char* id, const char* project, int gib, const char* metadata, const char* backend) {
    run("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, metadata, image_metadata, backend, pool, created_at) "
        "VALUES (?, ?, 'u', ?, 'available', 'detached', 't', 'nova', ?, '{}', ?, 'q', 1)", {id, project, gib, metadata, db::or_null(backend)});
  };
  add("a", "p", 3, R"({"k":"1"})", "h@b"), add("b", "p", 4, R"({"k":"1"})", "h@c"), add("c", "p", 5, "{}", ""), add("d", "r", 60, R"({"k":"2"})", "h@d");
  const auto told = [&](const std::string& project) {
    const Summary sum = read([&](auto& tx) { return summary(tx, project); });
    std::string out = joined(sum.count, sum.gib);
    for (const std::string& text : sum.metadata) out += " " + text;
    return out;
  };
  EXPECT_EQ(told("p"), R"(3|12 {"k":"1"})");
  EXPECT_EQ(told("r"), R"(1|60 {"k":"2"})");
  EXPECT_EQ(told("nobody"), "0|0");
  EXPECT_EQ(told("").substr(0, 4), "4|72");
  EXPECT_EQ(told("").size(), std::string_view(R"(4|72 {"k":"1"} {"k":"2"})").size());
  const auto hosts = [&](const std::vector<std::string>& ids) {
    std::string out;
    for (const auto& [id, host] : read([&](auto& tx) { return hosts_of(tx, ids, "p"); })) out += id + "=" + host + " ";
    return out;
  };
  EXPECT_EQ(hosts({"a", "c", "d", "nobody"}), "a=h@b#q ");
  EXPECT_EQ(hosts({"b", "a"}), "a=h@b#q b=h@c#q ");
  EXPECT_EQ(hosts({}), "");
}

}  // namespace
}  // namespace scoria::store::volumes
