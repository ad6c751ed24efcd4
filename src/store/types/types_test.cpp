#include "store/types/types.h"

#include "store/testing.h"
#include "store/types/defaults.h"

namespace scoria::store::types {
namespace {

using testing::joined;
using testing::Texts;

class VolumeTypes : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database().write([](db::Transaction& tx) {
      tx.run("DELETE FROM volume_type");
      insert(tx, {.id = {"a"}, .name = "fast", .description = "d", .is_public = false, .qos_specs_id = "q", .extra_specs = {{"k", "1"}, {"l", "2"}}});
      insert(tx, {.id = {"b"}, .name = "a", .extra_specs = {}});
      insert(tx, {.id = {"c"}, .name = "slow", .extra_specs = {}});
      tx.run("UPDATE volume_type SET rev = 5, created_at = 21");
    });
  }
  std::string changed(const Work& work) { return changes("volume_type", "id", "name, description, is_public, qos_specs_id, extra_specs, rev, updated_at", work); }
  static std::string id(const std::optional<VolumeType>& type) { return type ? type->id.text : "none"; }
};
SCORIA_EVERY_ENGINE(VolumeTypes);

TEST_P(VolumeTypes, are_read_as_they_were_written) {
  run("UPDATE volume_type SET updated_at = 22 WHERE id = 'a'");
  const VolumeType type = *read([](auto& tx) { return find_by_id(tx, "a"); });
  EXPECT_EQ(joined(type.id, type.name, type.description, type.is_public, type.qos_specs_id, type.rev, type.created_at, type.updated_at), "a|fast|d|no|q|5|21|22");
  EXPECT_EQ(type.extra_specs, (ExtraSpecs{{"k", "1"}, {"l", "2"}}));
  EXPECT_EQ(extra_specs_json(type.extra_specs), R"({"k":"1","l":"2"})");
  EXPECT_EQ(rows("SELECT is_public, qos_specs_id, description, extra_specs FROM volume_type WHERE id = 'b'"), Texts{"1|-|-|{}"});
  run(R"(UPDATE volume_type SET extra_specs = '{"k":"1","n":5}' WHERE id = 'a')");
  EXPECT_EQ(read([](auto& tx) { return find_by_id(tx, "a"); })->extra_specs, (ExtraSpecs{{"k", "1"}, {"n", ""}})) << "what is no text is empty";
  EXPECT_EQ(read([](auto& tx) { return count(tx); }), 3);
}

TEST_P(VolumeTypes, are_found_by_id_before_name) {
  const auto found = [&](const char* word) { return id(read([&](auto& tx) { return find(tx, word); })); };
  EXPECT_EQ(found("a"), "a");
  EXPECT_EQ(found("fast"), "a");
  EXPECT_EQ(found("slow"), "c");
  EXPECT_EQ(found("nobody"), "none");
  const auto by_id = [&](const char* word) { return id(read([&](auto& tx) { return find_by_id(tx, word); })); };
  EXPECT_EQ(by_id("c"), "c");
  EXPECT_EQ(by_id("slow"), "none");
  const auto locked = [&](const char* word) { return id(database().write([&](db::Transaction& tx) { return lock(tx, word); })); };
  EXPECT_EQ(locked("c"), "c");
  EXPECT_EQ(locked("slow"), "none");
}

TEST_P(VolumeTypes, have_a_default_by_project) {
  database().write([](db::Transaction& tx) { set_default(tx, "q", {"b"}), set_default(tx, "p", {"a"}), set_default(tx, "p", {"c"}); });
  const auto default_for = [&](const char* project, const char* otherwise) { return id(read([&](auto& tx) { return find_default(tx, project, otherwise); })); };
  EXPECT_EQ(default_for("p", "a"), "c");
  EXPECT_EQ(default_for("p", "fast"), "c");
  EXPECT_EQ(default_for("q", "slow"), "b");
  EXPECT_EQ(default_for("nobody", "a"), "a");
  EXPECT_EQ(default_for("nobody", "slow"), "c");
  EXPECT_EQ(default_for("nobody", "none"), "none");
  EXPECT_EQ(read([](auto& tx) { return default_of(tx, "p"); })->text, "c");
  EXPECT_FALSE(read([](auto& tx) { return default_of(tx, "nobody"); }));
  std::string all;
  for (const auto& [project, type] : read([](auto& tx) { return all_defaults(tx); })) all += project + "=" + type.text + " ";
  EXPECT_EQ(all, "p=c q=b ");
  EXPECT_TRUE(read([](auto& tx) { return is_default_of_any(tx, {"c"}); }));
  EXPECT_FALSE(read([](auto& tx) { return is_default_of_any(tx, {"a"}); }));
  database().write([](db::Transaction& tx) { unset_default(tx, "p"); });
  EXPECT_EQ(rows("SELECT project_id FROM volume_type_default"), Texts{"q"});
}

TEST_P(VolumeTypes, are_visible_to_everybody_or_to_whom_they_are_given) {
  const auto access = [&](const char* type, const char* project) { return database().write([&](db::Transaction& tx) { return add_access(tx, {type}, project); }); };
  EXPECT_TRUE(access("a", "q"));
  EXPECT_TRUE(access("a", "p"));
  EXPECT_FALSE(access("a", "p"));
  EXPECT_TRUE(access("c", "r"));
  EXPECT_EQ(read([](auto& tx) { return projects_with_access(tx, {"a"}); }), (Texts{"p", "q"}));
  const auto sees = [&](bool is_public, const char* project, bool admin) {
    return read([&](auto& tx) { return visible(tx, {.id = {"a"}, .is_public = is_public}, project, admin); });
  };
  EXPECT_TRUE(sees(false, "p", false));
  EXPECT_FALSE(sees(false, "r", false));
  EXPECT_TRUE(sees(false, "r", true));
  EXPECT_TRUE(sees(true, "r", false));
  const auto no_access = [&](const char* type, const char* project) { return database().write([&](db::Transaction& tx) { return remove_access(tx, {type}, project); }); };
  EXPECT_FALSE(no_access("c", "p"));
  EXPECT_TRUE(no_access("a", "p"));
  EXPECT_EQ(rows("SELECT type_id, project_id FROM volume_type_access ORDER BY type_id"), (Texts{"a|q", "c|r"}));
}

TEST_P(VolumeTypes, are_described_one_by_one) {
  EXPECT_EQ(changed([](auto& tx) { describe(tx, {.id = {"a"}, .name = "n", .description = "e", .is_public = true}); }), "a: name=n description=e is_public=1 rev=6 updated_at=now");
  EXPECT_EQ(changed([](auto& tx) { set_extra_specs(tx, {"b"}, {{"m", "3"}}); }), R"(b: extra_specs={"m":"3"} rev=6 updated_at=now)");
}

TEST_P(VolumeTypes, go_with_what_was_set_for_them) {
  for (const char* type : {"a", "b"})
    database().write([&](db::Transaction& tx) {
      add_access(tx, {type}, "p");
      tx.run("INSERT INTO quota_limit (project_id, scope, resource, value) VALUES ('p', ?, 'volumes', 1)", {type});
      tx.run("INSERT INTO quota_class_limit (class, scope, resource, value) VALUES ('default', ?, 'volumes', 1)", {type});
      for (const auto& [project, volumes, gigabytes, snapshots] : {std::tuple{"none", 0, 0, 0}, {"some", 1, 0, 0}, {"size", 0, 1, 0}, {"snap", 0, 0, 1}})
        tx.run("INSERT INTO quota_usage (project_id, scope, volumes, gigabytes, snapshots) VALUES (?, ?, ?, ?, ?)", {project, type, volumes, gigabytes, snapshots});
    });
  EXPECT_EQ(changed([](auto& tx) { remove(tx, {"nobody"}); }), "refused: type");
  EXPECT_EQ(changed([](auto& tx) { remove(tx, {"a"}); }), "a: gone");
  EXPECT_EQ(rows("SELECT type_id FROM volume_type_access"), Texts{"b"});
  EXPECT_EQ(rows("SELECT scope FROM quota_limit"), Texts{"b"});
  EXPECT_EQ(rows("SELECT scope FROM quota_class_limit"), Texts{"b"});
  EXPECT_EQ(rows("SELECT scope, project_id FROM quota_usage ORDER BY scope, project_id"), (Texts{"a|size", "a|snap", "a|some", "b|none", "b|size", "b|snap", "b|some"}));
  EXPECT_FALSE(read([](auto& tx) { return in_use(tx, "b"); }));
  run("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, metadata, image_metadata, created_at) "
      "VALUES ('v', 'p', 'u', 1, 'available', 'detached', 'c', 'nova', '{}', '{}', 1)");
  EXPECT_TRUE(read([](auto& tx) { return in_use(tx, "c"); }));
  EXPECT_FALSE(read([](auto& tx) { return in_use(tx, "b"); }));
}

}  // namespace
}  // namespace scoria::store::types
