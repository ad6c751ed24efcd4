#include "store/quotas/quotas.h"

#include "store/quotas/sets.h"
#include "store/testing.h"

namespace scoria::store::quotas {
namespace {

using testing::joined;
using testing::Texts;

class Quotas : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'fast', 1, '{}', 1), ('u', 'slow', 1, '{}', 1)");
  }
  void limit(const std::string& table, const std::string& of, const std::string& scope, const std::string& resource, int value) {
    run("INSERT INTO " + table + " VALUES (?, ?, ?, ?)", {of, scope, resource, value});
  }
  std::string used(const Work& work) { return changes("quota_usage", "project_id || '/' || scope", "volumes, gigabytes, snapshots", work); }
  static Limits own(std::map<std::string, std::int64_t, std::less<>> limits) { return {std::move(limits), {}}; }
  static Amount amount(std::string_view resource, std::int64_t count) {
    return {resource == "volumes" ? count : 0, resource == "gigabytes" ? count : 0, resource == "snapshots" ? count : 0};
  }
};
SCORIA_EVERY_ENGINE(Quotas);

constexpr std::string_view counted[] = {"volumes", "gigabytes", "snapshots"};

TEST_P(Quotas, limits_of_the_project_go_before_those_of_its_class_and_the_configuration) {
  limit("quota_class_limit", "default", "", "volumes", 20), limit("quota_class_limit", "default", "", "snapshots", 21), limit("quota_class_limit", "default", "t", "volumes", 22);
  limit("quota_class_limit", "default", "u", "gigabytes", 23), limit("quota_class_limit", "other", "", "gigabytes", 24), limit("quota_limit", "p", "", "volumes", 30);
  limit("quota_limit", "p", "t", "snapshots", 31), limit("quota_limit", "p", "u", "volumes", 32), limit("quota_limit", "q", "", "gigabytes", 33);
  const Limits found = read([](auto& tx) { return limits(tx, "p", "t", {{"volumes", 10}, {"gigabytes", 11}, {"snapshots", 12}}); });
  EXPECT_EQ(joined(found.of_project("volumes"), found.of_project("gigabytes"), found.of_project("snapshots"), found.of_project("groups")), "30|11|21|-1");
  EXPECT_EQ(joined(found.of_type("volumes"), found.of_type("gigabytes"), found.of_type("snapshots")), "22|-1|31");
}

TEST_P(Quotas, a_limit_may_be_reached_and_not_passed) {
  for (const std::string_view resource : counted) {
    run("DELETE FROM quota_usage");
    const std::string name(resource);
    const auto take_some = [&](std::int64_t count, std::int64_t most) {
      Limits limits = own({{"volumes", 99}, {"gigabytes", 99}, {"snapshots", 99}});
      limits.project[name] = most;
      return used([&](auto& tx) { take(tx, "p", "t", amount(resource, count), limits); });
    };
    EXPECT_EQ(take_some(4, 3), "refused: quota.project") << resource;
    EXPECT_EQ(take_some(3, 3), "p/: new; p/t: new");
    EXPECT_EQ(rows("SELECT scope, " + name + ", volumes + gigabytes + snapshots FROM quota_usage ORDER BY scope"), (Texts{"|3|3", "t|3|3"}));
    EXPECT_EQ(take_some(1, 3), "refused: quota.project");
    EXPECT_EQ(take_some(2, 5), "p/: " + name + "=5; p/t: " + name + "=5");
    EXPECT_EQ(take_some(0, 1), "") << "who takes none of it may be beyond";
    EXPECT_EQ(used([](auto& tx) { give_back(tx, "p", "t", {}); }), "");
    run("UPDATE quota_usage SET volumes = 1, gigabytes = 1, snapshots = 1"), run("UPDATE quota_usage SET " + name + " = 5");
    EXPECT_EQ(used([&](auto& tx) { take(tx, "p", "t", amount(resource == "volumes" ? "snapshots" : "volumes", 1), own({{name, 4}})); }),
              std::string("p/: ") + (resource == "volumes" ? "snapshots" : "volumes") + "=2; p/t: " + (resource == "volumes" ? "snapshots" : "volumes") + "=2");
  }
}

TEST_P(Quotas, one_limit_of_nothing_is_a_limit_and_none_is_none) {
  for (const std::string_view resource : counted) {
    Limits one;
    one.project[std::string(resource)] = 0;
    EXPECT_EQ(used([&](auto& tx) { take(tx, "p", "t", amount(resource, 1), one); }), "refused: quota.project") << resource;
    std::swap(one.project, one.type);
    EXPECT_EQ(used([&](auto& tx) { take(tx, "p", "t", amount(resource, 1), one); }), "refused: quota.type") << resource;
    Limits none;
    none.project[std::string(resource)] = unlimited;
    const std::string project = "p-" + std::string(resource);
    EXPECT_EQ(used([&](auto& tx) { take(tx, project, "t", amount(resource, 1'000'000'000), none); }), project + "/: new; " + project + "/t: new");
  }
}

TEST_P(Quotas, every_limit_counts_at_once_and_what_was_taken_goes_back) {
  Limits limits = own({{"volumes", 3}, {"gigabytes", 30}, {"snapshots", 300}});
  limits.type = limits.project;
  const auto taken = [&](Amount a) { return used([&](auto& tx) { take(tx, "p", "t", a, limits); }); };
  for (const Amount over : {Amount{4, 1, 1}, Amount{1, 31, 1}, Amount{1, 1, 301}}) EXPECT_EQ(taken(over), "refused: quota.type");
  EXPECT_EQ(taken({2, 20, 200}), "p/: new; p/t: new");
  EXPECT_EQ(used([](auto& tx) { take(tx, "q", "t", {1, 1, 1}, {}); }), "q/: new; q/t: new");
  EXPECT_EQ(used([](auto& tx) { take(tx, "p", "u", {1, 2, 3}, {}); }), "p/: volumes=3 gigabytes=22 snapshots=203; p/u: new");
  run("UPDATE quota_usage SET volumes = 2, gigabytes = 20, snapshots = 200 WHERE project_id = 'p' AND scope = ''");
  for (const Amount over : {Amount{2, 1, 1}, Amount{1, 11, 1}, Amount{1, 1, 101}}) EXPECT_EQ(taken(over), "refused: quota.type");
  EXPECT_EQ(taken({1, 10, 100}), "p/: volumes=3 gigabytes=30 snapshots=300; p/t: volumes=3 gigabytes=30 snapshots=300");
  EXPECT_EQ(used([](auto& tx) { give_back(tx, "p", "t", {1, 2, 3}); }), "p/: volumes=2 gigabytes=28 snapshots=297; p/t: volumes=2 gigabytes=28 snapshots=297");
  EXPECT_EQ(used([](auto& tx) { give_back(tx, "nobody", "t", {1, 2, 3}); }), "refused: quota.back");
  run("DELETE FROM quota_usage WHERE project_id = 'p' AND scope = ''");
  EXPECT_EQ(used([](auto& tx) { give_back(tx, "p", "t", {1, 2, 3}); }), "refused: quota.back");
}

TEST_P(Quotas, usage_is_told_by_scope) {
  run("INSERT INTO quota_usage (project_id, scope, volumes, gigabytes, snapshots, backups, backup_gigabytes, groups) VALUES "
      "('p', '', 1, 2, 3, 4, 5, 6), ('p', 't', 11, 12, 13, 14, 15, 16), ('q', 't', 21, 22, 23, 24, 25, 26)");
  const auto told = [](const Usage& u) { return joined(u.volumes, u.gigabytes, u.snapshots, u.backups, u.backup_gigabytes, u.groups); };
  EXPECT_EQ(told(read([](auto& tx) { return usage(tx, "p", "t"); })), "11|12|13|14|15|16");
  EXPECT_EQ(told(read([](auto& tx) { return usage(tx, "p", ""); })), "1|2|3|4|5|6");
  EXPECT_EQ(told(read([](auto& tx) { return usage(tx, "q", ""); })), "0|0|0|0|0|0");
  auto all = read([](auto& tx) { return all_usage(tx, "p"); });
  EXPECT_EQ(all.size(), 2u);
  EXPECT_EQ(told(all[""]) + " " + told(all["t"]), "1|2|3|4|5|6 11|12|13|14|15|16");
}

TEST_P(Quotas, sets_hold_every_resource_of_every_type) {
  const Defaults defaults = {{"volumes", 10}, {"gigabytes", 11}, {"snapshots", 12}, {"backups", 13}, {"backup_gigabytes", 14}, {"groups", 15}, {"per_volume_gigabytes", -1}};
  run("INSERT INTO quota_usage (project_id, scope, volumes, gigabytes, snapshots, backups, backup_gigabytes, groups) VALUES "
      "('p', '', 1, 2, 3, 4, 5, 6), ('p', 'u', 7, 8, 9, 0, 0, 0), ('q', 't', 21, 22, 23, 24, 25, 26)");
  const auto told = [](const std::vector<Entry>& set) {
    std::string out;
    for (const Entry& e : set) out += joined(e.key, e.scope, e.resource, e.limit, e.in_use) + " ";
    return out;
  };
  database().write([&](db::Transaction& tx) {
    const std::vector<Entry> keys = of_nobody(tx, defaults);
    for (const Entry& key : keys) {
      if (key.key == "groups") set_class(tx, "default", key, 40), set_class(tx, "default", key, 41), set_class(tx, "other", key, 42);
      if (key.key == "volumes_slow") set_class(tx, "default", key, 43), set(tx, "p", key, 44), set(tx, "p", key, 45), set(tx, "q", key, 46);
      if (key.key == "volumes") set(tx, "p", key, 47);
    }
  });
  EXPECT_EQ(told(read([&](auto& tx) { return of_project(tx, "p", defaults); })),
            "backup_gigabytes||backup_gigabytes|14|5 backups||backups|13|4 gigabytes||gigabytes|11|2 gigabytes_fast|t|gigabytes|-1|0 gigabytes_slow|u|gigabytes|-1|8 "
            "groups||groups|41|6 per_volume_gigabytes||per_volume_gigabytes|-1|0 snapshots||snapshots|12|3 snapshots_fast|t|snapshots|-1|0 "
            "snapshots_slow|u|snapshots|-1|9 volumes||volumes|47|1 volumes_fast|t|volumes|-1|0 volumes_slow|u|volumes|45|7 ");
  const std::string of_default = told(read([&](auto& tx) { return of_nobody(tx, defaults); }));
  EXPECT_NE(of_default.find("groups||groups|41|0 "), std::string::npos);
  EXPECT_NE(of_default.find("volumes||volumes|10|0 volumes_fast|t|volumes|-1|0 volumes_slow|u|volumes|43|0 "), std::string::npos);
  EXPECT_NE(told(read([&](auto& tx) { return of_class(tx, "other", defaults); })).find("groups||groups|42|0 "), std::string::npos);
  database().write([](db::Transaction& tx) { reset(tx, "p"); });
  EXPECT_EQ(rows("SELECT project_id, scope, resource, value FROM quota_limit"), Texts{"q|u|volumes|46"});
}

}  // namespace
}  // namespace scoria::store::quotas
