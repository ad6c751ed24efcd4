#include "store/volumes/shown.h"

#include "db/migrate.h"
#include "db/testing.h"
#include "store/migrations.h"
#include "store/volumes/names.h"
#include "store/volumes/volumes.h"

namespace scoria::store::volumes {
namespace {

class ShownVolumes : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), migrations());
    database().write([](db::Transaction& tx) {
      tx.run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'fast', 1, '{}', 1)");
      tx.run("INSERT INTO service (host, binary_name, id, zone, inc, created_at, updated_at) VALUES ('array', 'cinder-volume', 'uuid', 'nova', 1, 1, 1)");
      for (const char* id : {"bare", "busy"}) insert(tx, {.id = {id}, .project_id = "p", .user_id = "u", .size_gib = 1, .type = {"t"}, .availability_zone = "nova", .charge = {}});
      insert(tx, {.id = {"foreign"}, .project_id = "q", .user_id = "u", .size_gib = 1, .type = {"t"}, .availability_zone = "nova", .charge = {}});
      tx.run("UPDATE volume SET backend = 'array', pool = 'p', attachments = 3 WHERE id = 'busy'");
      for (const auto& [id, state, at] : {std::tuple{"b", "attached", 2}, {"a", "attached", 3}, {"c", "reserved", 1}})
        tx.run("INSERT INTO attachment (id, volume_id, project_id, user_id, instance_id, mountpoint, attach_status, created_at, attach_time) "
               "VALUES (?, 'busy', 'p', 'u', NULL, ?, ?, ?, ?)", {id, "/dev/\"v\\db", state, at, at + 5});
    });
  }
};
SCORIA_EVERY_ENGINE(ShownVolumes);

TEST_P(ShownVolumes, come_with_what_is_attached_oldest_first) {
  const db::Rows rows = database().read_one([](db::Transaction& tx) { return find_shown(tx, {"busy"}); });
  ASSERT_EQ(rows.size(), 1u);
  const Shown busy = read_shown(rows);
  EXPECT_EQ(busy.status, "creating");
  ASSERT_EQ(busy.attachments.size(), 2u) << "a reserved one is not in use";
  EXPECT_EQ(busy.attachments[0].id, "b");
  EXPECT_EQ(busy.attachments[1].id, "a");
  EXPECT_EQ(busy.attachments[0].mountpoint, "/dev/\"v\\db");
  EXPECT_EQ(busy.attachments[0].instance_id, "");
  EXPECT_EQ(busy.attachments[0].attach_time.micros, 7);
}

TEST_P(ShownVolumes, tell_every_column) {
  database().write([](db::Transaction& tx) {
    tx.run("INSERT INTO service (host, binary_name, id, zone, inc, created_at, updated_at) VALUES ('array', 'cinder-backup', 'other', 'nova', 1, 1, 1)");
    tx.run("INSERT INTO backend (name, cluster, zone, created_at) VALUES ('array', 'c', 'nova', 1), ('other', 'd', 'nova', 1)");
    tx.run("UPDATE volume SET name = 'n', description = 'd', status = 'in-use', migration_status = 'ms', replication_status = 'rs', provider_name = 'pn', snapshot_id = 's', "
           "source_volid = 'sv', group_id = 'g', metadata = '{\"a\":1}', image_metadata = '{\"b\":2}', size_gib = 7, bootable = 1, multiattach = 0, readonly = 1, "
           "consumes_quota = 0, created_at = 21, updated_at = 22 WHERE id = 'busy'");
    tx.run("UPDATE attachment SET instance_id = 'i', attached_host = 'ah' WHERE id = 'b'");
    tx.run("UPDATE attachment SET attach_time = NULL WHERE id = 'a'");
    tx.run("INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, created_at) VALUES ('elsewhere', 'bare', 'p', 'u', 'attached', 1)");
  });
  const db::Rows rows = database().read_one([](db::Transaction& tx) { return find_shown(tx, {"busy"}); });
  ASSERT_EQ(rows.size(), 1u);
  const auto told = [](const Shown& v) {
    return fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", v.id, v.project_id, v.user_id, v.name, v.description, v.status,
                       v.migration_status, v.replication_status, v.type, v.type_name, v.zone, v.backend, v.pool, v.provider_name, v.snapshot_id, v.source_volid, v.group_id,
                       v.metadata, v.image_metadata, v.service_uuid, v.cluster, v.size_gib, v.bootable, v.multiattach, v.readonly, v.consumes_quota, v.created_at.micros,
                       v.updated_at.micros);
  };
  Shown all = read_shown(rows);
  Names names(clock());
  const auto known = names.fill_in(database(), {&all, 1});
  EXPECT_EQ(told(all), "busy|p|u|n|d|in-use|ms|rs|t|fast|nova|array|p|pn|s|sv|g|{\"a\":1}|{\"b\":2}|uuid|c|7|true|false|true|false|21|22");
  const auto volume = database().read([](db::Transaction& tx) { return find(tx, {"busy"}); });
  EXPECT_EQ(told(shown(*volume)), "busy|p|u|n|d|in-use|ms|rs|t||nova|array|p|pn|s|sv|g|{\"a\":1}|{\"b\":2}|||7|true|false|true|false|21|22");
  ASSERT_EQ(all.attachments.size(), 2u) << "of its own";
  const ShownAttachment& one = all.attachments[0];
  EXPECT_EQ(one.id + one.instance_id + one.host + one.mountpoint, "biah/dev/\"v\\db");
  EXPECT_EQ(one.attach_time.micros * 100 + one.created_at.micros, 702);
  EXPECT_FALSE(all.attachments[1].attach_time);
  EXPECT_EQ(database().read_one([](db::Transaction& tx) { return find_shown(tx, {"nobody"}); }).size(), 0u);
  database().write([](db::Transaction& tx) { tx.run("UPDATE volume SET attachments = 0 WHERE id = 'busy'"); });
  const db::Rows without = database().read_one([](db::Transaction& tx) { return find_shown(tx, {"busy"}); });
  EXPECT_TRUE(read_shown(without).attachments.empty()) << "the rows are not looked at for a volume that is not attached";
}

TEST_P(ShownVolumes, are_listed_by_project_page_after_page) {
  ListQuery query;
  query.sort = {{"created_at", true}, {"id", true}};
  query.project_id = "p";
  query.limit = 1;
  std::vector<std::string> seen;
  for (int page = 0; page < 3; ++page) {
    std::vector<Shown> volumes;
    const auto listed = database().read([&](db::Transaction& tx) {
      auto out = run_list(tx, list_table, query);
      volumes = read_page(tx, out->rows);
      return out;
    });
    if (volumes.empty()) break;
    EXPECT_EQ(volumes[0].attachments.size(), volumes[0].id == "busy" ? 2u : 0u);
    query.marker = seen.emplace_back(volumes[0].id);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"bare", "busy"}));
}

TEST_P(ShownVolumes, of_a_row_alone_are_the_same_without_what_is_joined) {
  const auto volume = database().read([](db::Transaction& tx) { return find(tx, {"busy"}); });
  const Shown alone = shown(*volume);
  EXPECT_EQ(alone.id, "busy");
  EXPECT_EQ(alone.backend, "array");
  EXPECT_EQ(alone.type, "t");
  EXPECT_TRUE(alone.type_name.empty());
  EXPECT_TRUE(alone.attachments.empty());
}

}  // namespace
}  // namespace scoria::store::volumes
