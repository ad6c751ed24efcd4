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

  Page read(const ListQuery& query, const Has& has = nullptr) {
    return database().read([&](db::Transaction& tx) { return read_page(tx, query, has).value(); });
  }
};
SCORIA_EVERY_ENGINE(ShownVolumes);

TEST_P(ShownVolumes, come_with_what_is_attached_oldest_first) {
  const db::Rows rows = database().read_one([](db::Transaction& tx) { return find_shown(tx, {"busy"}); });
  ASSERT_FALSE(rows.empty());
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
  ASSERT_FALSE(rows.empty());
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
}

TEST_P(ShownVolumes, are_listed_by_project_page_after_page) {
  ListQuery query;
  query.sort = {{"created_at", true}, {"id", true}};
  query.project_id = "p";
  query.limit = 1;
  std::vector<std::string> seen;
  for (int number = 0; number < 3; ++number) {
    const Page page = read(query);
    if (page.volumes.empty()) break;
    ASSERT_EQ(page.read.size(), 1u);
    EXPECT_EQ(page.read[0].id, page.volumes[0].id);
    EXPECT_EQ(page.volumes[0].attachments.size(), page.volumes[0].id == "busy" ? 2u : 0u);
    query.marker = seen.emplace_back(page.volumes[0].id);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"bare", "busy"}));
}

TEST_P(ShownVolumes, of_a_page_are_not_read_again_that_its_reader_has) {
  ListQuery query;
  query.sort = {{"created_at", false}, {"id", false}};
  query.with_count = true;
  std::map<std::string, std::int64_t> had;
  for (const Page::Volume& volume : read(query).volumes) had.emplace(volume.id, volume.rev);
  const auto has = [&](std::size_t, std::string_view id, std::int64_t rev) { return had.at(std::string(id)) == rev; };
  const auto read_of = [&](const Page& page) {
    std::string out;
    for (const Page::Volume& volume : page.volumes)
      out += fmt::format("{}:{}:{} ", volume.id, volume.read ? page.read.at(*volume.read).name : "-", volume.attachments.size());
    return out;
  };
  EXPECT_EQ(read_of(read(query, has)), "foreign:-:0 busy:-:2 bare:-:0 ");
  database().write([](db::Transaction& tx) {
    describe(tx, {"bare"}, 0, "new", "");
    tx.run("UPDATE attachment SET attach_status = 'detaching' WHERE id = 'b'");
  });
  const Page page = read(query, has);
  EXPECT_EQ(read_of(page), "foreign:-:0 busy:-:1 bare:new:0 ") << "what is attached is always read";
  EXPECT_EQ(page.count, 3);
  EXPECT_EQ(page.volumes.back().rev, had.at("bare") + 2);
  query.marker = "nobody";
  EXPECT_FALSE(database().read([&](db::Transaction& tx) { return read_page(tx, query, has); })) << "refused as any list";
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
