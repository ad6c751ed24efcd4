#include "store/snapshots/snapshots.h"

#include "store/testing.h"

namespace scoria::store::snapshots {
namespace {

using testing::joined;
using testing::Texts;
using enum SnapshotStatus;

/// Two snapshots that differ in nothing but their id, and two volumes.
class SnapshotRows : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'fast', 1, '{}', 1)");
    run("INSERT INTO backend (name, zone, created_at, frozen) VALUES ('h@b', 'nova', 1, 0), ('h@other', 'nova', 1, 1)");
  }
  void twins(const std::string& set = "rev = 5") {
    database().write([&](db::Transaction& tx) {
      tx.run("DELETE FROM snapshot");
      for (const char* id : {"a", "b"})
        tx.run("INSERT INTO snapshot (id, volume_id, project_id, user_id, status, size_gib, volume_type_id, backend, pool, metadata, rev, created_at, updated_at) "
               "VALUES (?, 'v', 'p', 'u', 'available', 3, 't', 'h@b', 'q', '{}', 5, 1, 2)", {id});
      tx.run("UPDATE snapshot SET " + set);
    });
  }
  void volumes(const std::string& set = "rev = 5") {
    database().write([&](db::Transaction& tx) {
      tx.run("DELETE FROM volume");
      for (const char* id : {"v", "w"})
        tx.run("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, backend, pool, provider_name, metadata, "
               "image_metadata, snapshots, rev, created_at) VALUES (?, 'p', 'u', 3, 'available', 'detached', 't', 'nova', 'h@b', 'q', 'n', '{}', '{}', 2, 5, 1)", {id});
      tx.run("UPDATE volume SET " + set);
    });
  }
  std::string changed(const Work& work) {
    return changes("snapshot", "id", "status, x_op, x_mode, next_op, s_ops, rev, provider_name, progress, name, description, metadata, updated_at", work);
  }
  std::string changed(const std::string& as, const Work& work) {
    twins(as);
    return changed(work);
  }
  std::string changed_volume(const std::string& as, const Work& work) {
    volumes(as);
    return changes("volume", "id", "status, snapshots, s_ops, rev", work);
  }
};
SCORIA_EVERY_ENGINE(SnapshotRows);

std::string everything(const Snapshot& s) {
  return joined(s.id, s.volume_id, s.project_id, s.user_id, s.name, s.description, to_text(s.status), s.size_gib, s.type, s.group_snapshot_id, s.backend, s.pool,
                s.provider_name, s.progress, s.consumes_quota) +
         " " + joined(s.metadata, s.charge.project, s.charge.type, s.charge.gib, s.x_op, s.x_mode, s.next_op, s.s_ops, s.rev, s.created_at, s.updated_at);
}

TEST_P(SnapshotRows, are_read_as_they_were_written) {
  twins("volume_id = 'w'");
  database().write([](db::Transaction& tx) {
    insert(tx, {.id = {"c"}, .volume_id = {"v"}, .project_id = "p", .user_id = "u", .name = "n", .description = "d", .status = error, .size_gib = 7, .type = {"t"},
                .group_snapshot_id = "g", .backend = "h@b", .pool = "q", .consumes_quota = false, .metadata = R"({"k":"1"})", .charge = {"cp", "ct", 8}, .x_op = "o",
                .x_mode = "X"});
  });
  EXPECT_EQ(rows("SELECT created_at, progress, rev FROM snapshot WHERE id = 'c'"), Texts{"now|0|0"});
  run("UPDATE snapshot SET provider_name = 'pn', progress = 30, next_op = 'no', s_ops = 23, rev = 24, created_at = 25, updated_at = 26 WHERE id = 'c'");
  const std::string whole = R"(c|v|p|u|n|d|error|7|t|g|h@b|q|pn|30|no {"k":"1"}|cp|ct|8|o|X|no|23|24|25|26)";
  const auto found = [&](const char* id) { return read([&](auto& tx) { return find(tx, {id}); }); };
  EXPECT_EQ(everything(*found("c")), whole);
  EXPECT_EQ(everything(*found("a")), "a|w|p|u|||available|3|t||h@b|q||0|yes {}|||0||||0|5|1|2");
  EXPECT_FALSE(found("nobody"));
  run("INSERT INTO snapshot (id, volume_id, project_id, user_id, status, size_gib, volume_type_id, backend, pool, metadata, created_at) "
      "VALUES ('d', 'v', 'p', 'u', 'available', 3, 't', 'h@b', 'q', '{}', 24)");
  const auto all = read([](auto& tx) { return of_volume(tx, {"v"}); });
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id.text, "d") << "oldest first";
  EXPECT_EQ(everything(all[1]), whole);
}

TEST_P(SnapshotRows, are_counted_by_their_volume_which_they_read) {
  const auto add = [](auto& tx) { add_to_volume(tx, {"v"}, {VolumeStatus::in_use, VolumeStatus::available}); };
  const std::string added = "v: snapshots=3 s_ops=1 rev=6";
  for (const char* good : {"rev = 5", "status = 'in-use'", "x_op = 'o', x_mode = 'L'", "backend = 'h@new'"}) EXPECT_EQ(changed_volume(good, add), added) << good;
  for (const char* bad : {"status = 'error'", "x_op = 'o', x_mode = 'X'", "x_op = 'o', x_mode = 'L', next_op = 'n'", "backend = NULL", "provider_name = NULL", "backend = 'h@other'"})
    EXPECT_EQ(changed_volume(bad, add), "refused: snapshot.volume") << bad;
  const auto removed = [](auto& tx) { remove_from_volume(tx, {"v"}); };
  EXPECT_EQ(changed_volume("rev = 5", removed), "v: snapshots=1 rev=6");
  run("DELETE FROM volume");
  EXPECT_EQ(changed(removed), "refused: snapshot.parent");
}

TEST_P(SnapshotRows, are_claimed_and_promised) {
  const auto taken = [&](const std::string& as, std::string_view also) {
    return changed(as, [&](auto& tx) { take(tx, "taken", {"a"}, "o", {error, available}, deleting, also); });
  };
  EXPECT_EQ(taken("rev = 5", {}), "a: status=deleting x_op=o x_mode=X rev=6 updated_at=now");
  EXPECT_EQ(taken("status = 'error'", "size_gib = 3"), "a: status=deleting x_op=o x_mode=X rev=6 updated_at=now");
  EXPECT_EQ(taken("size_gib = 4", "size_gib = 3"), "refused: taken");
  EXPECT_EQ(taken("x_op = 'h'", {}), "refused: taken");
  EXPECT_EQ(taken("status = 'creating'", {}), "refused: taken");
  Snapshot seen;
  seen.id = {"a"}, seen.backend = "h@b", seen.rev = 5, seen.x_op = "h";
  const auto at = [&](auto& tx) { require_at(tx, seen); };
  EXPECT_EQ(changed("rev = 5", at), "a: rev=6");
  EXPECT_EQ(changed("backend = 'h@c'", at), "refused: moved");
  const auto queue = [&](auto& tx) { queue_behind(tx, "behind", seen, "o"); };
  EXPECT_EQ(changed("x_op = 'h'", queue), "a: next_op=o rev=6 updated_at=now");
  for (const char* other : {"x_op = 'h', rev = 6", "x_op = 'i'", "x_op = 'h', next_op = 'n'"}) EXPECT_EQ(changed(other, queue), "refused: behind") << other;
  EXPECT_EQ(changed("next_op = 'o'", [](auto& tx) { step_back(tx, {"a"}, "o"); }), "a: next_op=- rev=6 updated_at=now");
  EXPECT_EQ(changed("next_op = 'p'", [](auto& tx) { step_back(tx, {"a"}, "o"); }), "refused: snapshot.settle");
}

TEST_P(SnapshotRows, rest_when_their_holder_is_done) {
  const std::string held = "x_op = 'o', x_mode = 'X', status = 'creating'", back = " x_op=- x_mode=- rev=6";
  const auto settled = [](auto& tx) { settle(tx, {"a"}, "o", creating, error); };
  EXPECT_EQ(changed(held, settled), "a: status=error" + back + " updated_at=now");
  EXPECT_EQ(changed(held + ", next_op = 'n'", settled), "a: status=deleting x_op=n next_op=- rev=6 updated_at=now");
  EXPECT_EQ(changed("x_op = 'p', status = 'creating'", settled), "refused: snapshot.settle");
  EXPECT_EQ(changed("x_op = 'o', status = 'deleting'", settled), "refused: snapshot.settle");
  const auto published = [](auto& tx) { publish(tx, {"a"}, "o", "n"); };
  EXPECT_EQ(changed(held, published), "a: status=available" + back + " provider_name=n progress=100 updated_at=now");
  EXPECT_EQ(changed(held + ", next_op = 'n'", published), "a: status=deleting x_op=n next_op=- rev=6 provider_name=n progress=100 updated_at=now");
  EXPECT_EQ(changed("x_op = 'o', status = 'deleting'", published), "refused: snapshot.publish");
}

TEST_P(SnapshotRows, a_deletion_that_did_nothing_leaves_what_the_object_says) {
  const auto object = [&](const char* backend, const char* name, const char* state) {
    run("INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, op, epoch, state, size_bytes, created_at, changed_at) "
        "VALUES (?, ?, 'q', 'snapshot', 'a', 'o', 1, ?, 7, 1, 1)", {backend, name, state});
  };
  object("h@b", "there", "published"), object("h@b", "dying", "doomed"), object("h@c", "dying", "published"), object("h@c", "away", "published");
  const auto kept = [&](const std::string& name) {
    return changed("x_op = 'o', status = 'deleting', provider_name = " + name, [](auto& tx) { settle_kept(tx, {"a"}, "o"); });
  };
  EXPECT_EQ(kept("'there'"), "a: status=available x_op=- rev=6 updated_at=now");
  for (const char* name : {"'dying'", "'away'"}) EXPECT_EQ(kept(name), "a: status=error_deleting x_op=- rev=6 updated_at=now") << name;
  EXPECT_EQ(kept("NULL"), "a: status=error x_op=- rev=6 updated_at=now");
  EXPECT_EQ(changed("x_op = 'o', status = 'creating'", [](auto& tx) { settle_kept(tx, {"a"}, "o"); }), "refused: snapshot.settle");
}

TEST_P(SnapshotRows, go_when_nobody_reads_them) {
  const auto quiet = [](auto& tx) { require_quiet(tx, {"a"}, "o"); };
  const auto removed = [](auto& tx) { remove(tx, {"a"}, "o"); };
  EXPECT_EQ(changed("x_op = 'o'", quiet), "a: rev=6");
  EXPECT_EQ(changed("x_op = 'o'", removed), "a: gone");
  for (const char* other : {"x_op = 'p'", "x_op = 'o', s_ops = 1"}) EXPECT_EQ(changed(other, quiet), "refused: snapshot.quiet") << other;
  for (const char* other : {"x_op = 'p'", "x_op = 'o', s_ops = 1", "x_op = 'o', next_op = 'n'"}) EXPECT_EQ(changed(other, removed), "refused: snapshot.remove") << other;
}

TEST_P(SnapshotRows, change_without_a_claim_as_they_were_seen) {
  EXPECT_EQ(changed("rev = 5", [](auto& tx) { EXPECT_EQ(describe(tx, {"a"}, 5, "n", "d"), 1); }), "a: rev=6 name=n description=d updated_at=now");
  EXPECT_EQ(changed("rev = 5", [](auto& tx) { EXPECT_EQ(set_metadata(tx, {"a"}, 5, "m"), 1); }), "a: rev=6 metadata=m updated_at=now");
  const auto overridden = [](auto& tx) { override_status(tx, {"a"}, 5, error, 40); };
  EXPECT_EQ(changed("rev = 5", overridden), "a: status=error rev=6 progress=40 updated_at=now");
  EXPECT_EQ(changed("progress = 7", [](auto& tx) { EXPECT_EQ(override_status(tx, {"a"}, 5, error), 1); }), "a: status=error rev=6 updated_at=now");
  EXPECT_EQ(changed("x_op = 'o'", overridden), "");
  EXPECT_EQ(changed("rev = 6", [](auto& tx) {
              EXPECT_EQ(describe(tx, {"a"}, 5, "n", "d"), 0);
              EXPECT_EQ(set_metadata(tx, {"a"}, 5, "m"), 0);
              EXPECT_EQ(override_status(tx, {"a"}, 5, error, 40), 0);
            }), "");
}

}  // namespace
}  // namespace scoria::store::snapshots
