#include "store/pools/pools.h"

#include "domain/pool_report.h"
#include "store/pools/pool_state.h"
#include "store/testing.h"

namespace scoria::store::pools {
namespace {

using testing::joined;
using testing::Texts;

class Pools : public testing::Migrated {
 protected:
  std::string changed(const Work& work) {
    return changes("pool", "backend || '/' || name", "total_bytes, free_bytes, limit_bytes, allocated_bytes, volumes, unit_bytes, minimum_bytes, report, reported_at", work);
  }
  void backends(const std::vector<std::string>& names) {
    database().write([&](db::Transaction& tx) {
      for (const std::string& name : names) ensure_backend(tx, name, "", "z"), report(tx, {.backend = name, .name = "p", .json = "{}"});
    });
  }
  void service(const std::string& host, std::int64_t inc, const std::string& cluster = {}, const std::string& binary = "cinder-volume", bool up = true) {
    database().write([&](db::Transaction& tx) {
      ensure_service(tx, {.id = host + binary, .host = host, .binary = binary, .zone = "z", .cluster = cluster, .inc = inc, .backend_up = up, .backend_reason = ""});
    });
  }
  std::string told(bool Pool::*what) {
    std::string out;
    for (const Pool& one : read([](auto& tx) { return all(tx); }))
      if (one.*what) out += one.backend + " ";
    return out;
  }
};
SCORIA_EVERY_ENGINE(Pools);

TEST_P(Pools, are_read_as_they_were_reported) {
  database().write([](db::Transaction& tx) {
    ensure_backend(tx, "h@b", "", "other"), ensure_backend(tx, "h@b", "h@b", "z"), ensure_backend(tx, "h@a", "", "z");
    for (const std::int64_t round : {0, 1})
      report(tx, {.backend = "h@b", .name = "p", .total_bytes = 10 + round, .free_bytes = 20 + round, .limit_bytes = 30 + round, .unit_bytes = 40 + round,
                  .minimum_bytes = 50 + round, .json = round == 0 ? "old" : "new"});
    report(tx, {.backend = "h@a", .name = "p", .total_bytes = 0, .free_bytes = 0, .limit_bytes = 0, .json = "{}"});
    report(tx, {.backend = "h@a", .name = "o", .json = "{}"}), report(tx, {.backend = "unknown", .name = "p", .json = "{}"});
  });
  EXPECT_EQ(rows("SELECT name, cluster, zone, created_at FROM backend ORDER BY name"), (Texts{"h@a|-|z|now", "h@b|h@b|z|now"}));
  EXPECT_EQ(rows("SELECT reported_at FROM pool WHERE backend = 'h@b'"), Texts{"now"});
  run("UPDATE pool SET allocated_bytes = 60, volumes = 61, reported_at = 62 WHERE backend = 'h@b'");
  const auto pools = read([](auto& tx) { return all(tx); });
  ASSERT_EQ(pools.size(), 3u);
  const Pool& p = pools[2];
  EXPECT_EQ(joined(p.backend, p.name, p.total_bytes, p.free_bytes, p.limit_bytes, p.unit_bytes, p.minimum_bytes, p.json, p.allocated_bytes, p.volumes, p.zone, p.reported_at),
            "h@b|p|11|21|31|41|51|new|60|61|z|62");
  EXPECT_EQ(joined(pools[0].name, pools[0].total_bytes, pools[0].free_bytes, pools[0].limit_bytes), "o|-1|-1|-1");
  EXPECT_EQ(joined(pools[1].name, pools[1].total_bytes, pools[1].free_bytes, pools[1].limit_bytes), "p|0|0|0");
}

TEST_P(Pools, are_up_while_a_live_node_serves_them) {
  const auto node = [&](int inc, const char* state, const std::string& lease) {
    run("INSERT INTO node (inc, host, roles, state, lease_until, started_at, release, schema_version) VALUES (?, 'h', 'all', ?, " + lease + ", 1, 'r', 1)", {inc, state});
  };
  node(1, "up", "scoria_now() + 60000000"), node(2, "draining", "scoria_now() + 60000000"), node(3, "up", "scoria_now()"), node(4, "fenced", "scoria_now() + 60000000");
  backends({"up", "draining", "over", "fenced", "broken", "other", "cluster", "nobody"});
  service("up", 1), service("draining", 2), service("over", 3), service("fenced", 4), service("broken", 1, "", "cinder-volume", false), service("other", 1, "", "cinder-backup");
  service("peer", 1, "cluster");
  EXPECT_EQ(told(&Pool::up), "cluster up ");
  EXPECT_EQ(rows("SELECT host, binary_name, zone, cluster, inc, backend_up, backend_reason, created_at, updated_at FROM service WHERE host IN ('broken', 'peer') ORDER BY host"),
            (Texts{"broken|cinder-volume|z|-|1|0|-|now|now", "peer|cinder-volume|z|cluster|1|1|-|now|now"}));
  database().write([](db::Transaction& tx) {
    ensure_service(tx, {.id = "ignored", .host = "peer", .binary = "cinder-volume", .zone = "y", .cluster = "d", .inc = 2, .backend_up = false, .backend_reason = "why"});
  });
  EXPECT_EQ(rows("SELECT id, zone, cluster, inc, backend_up, backend_reason FROM service WHERE host = 'peer'"), Texts{"peercinder-volume|y|d|2|0|why"});
}

TEST_P(Pools, are_disabled_with_their_backend_or_all_services_of_their_cluster) {
  backends({"alone", "off", "half", "whole", "empty", "frozen"});
  run("UPDATE backend SET disabled = 1 WHERE name = 'off'"), run("UPDATE backend SET frozen = 1 WHERE name = 'frozen'");
  service("h1", 1, "half"), service("h2", 1, "half"), service("h3", 1, "whole"), service("h4", 1, "whole"), service("alone", 1);
  run("UPDATE service SET disabled = 1 WHERE host IN ('h1', 'h3', 'h4', 'alone')");
  EXPECT_EQ(told(&Pool::disabled), "off whole ") << "the service of one host is switched with its backend";
  EXPECT_EQ(told(&Pool::frozen), "frozen ");
}

TEST_P(Pools, promise_up_to_their_limit) {
  database().write([](db::Transaction& tx) {
    for (const char* backend : {"b", "c"})
      for (const char* pool : {"p", "q"}) report(tx, {.backend = backend, .name = pool, .limit_bytes = 100, .json = "{}"});
    tx.run("UPDATE pool SET allocated_bytes = 60, volumes = 3, reported_at = 1");
  });
  const auto taken = [](std::int64_t bytes) { return [=](db::Transaction& tx) { take(tx, "b", "p", bytes, 2); }; };
  EXPECT_EQ(changed(taken(41)), "refused: pool.full");
  EXPECT_EQ(changed(taken(40)), "b/p: allocated_bytes=100 volumes=5");
  EXPECT_EQ(changed([](auto& tx) { give_back(tx, "b", "p", 30, 1); }), "b/p: allocated_bytes=70 volumes=4");
  run("UPDATE pool SET limit_bytes = NULL");
  EXPECT_EQ(changed(taken(1000)), "b/p: allocated_bytes=1070 volumes=6");
  EXPECT_EQ(changed([](auto& tx) { give_back(tx, "b", "nobody", 30, 1); }), "refused: pool.back");
}

TEST_P(Pools, are_what_schedulers_reckon_with) {
  Pool pool;
  pool.backend = "h@file", pool.name = "p", pool.total_bytes = 100, pool.free_bytes = 0, pool.limit_bytes = 0, pool.unit_bytes = 4, pool.minimum_bytes = 8;
  pool.allocated_bytes = 60, pool.volumes = 3, pool.zone = "z", pool.disabled = true, pool.frozen = false, pool.up = true;
  PoolReportShape shape{.thin = false, .multiattach = true, .reserved_percentage = 5, .max_over_subscription_ratio = 1.5, .storage_protocol = "NBD"};
  shape.extra = {{"tier", json::Value(std::string("fast"))}, {"filter_function", json::Value(std::string("f"))}, {"goodness_function", json::Value(std::string("g"))}};
  pool.json = shape.to_json();
  const PoolState state = to_state(pool);
  EXPECT_EQ(joined(state.host(), state.total.known(), state.total.size.count, state.free.known(), state.free.size.count, state.provisioned.count, state.allocated.count),
            "h@file#p|yes|100|yes|0|60|60");
  EXPECT_EQ(state.promise_limit->count, 0);
  EXPECT_EQ(joined(state.volumes, state.unit.count, state.minimum.count, state.reserved_percentage, state.thin, state.thick, state.multiattach, state.zone, state.up,
                   state.disabled, state.frozen, state.filter_function, state.goodness_function),
            "3|4|8|5|no|yes|yes|z|yes|yes|no|f|g");
  EXPECT_EQ(state.over_subscription, 1.5);
  EXPECT_EQ(state.capabilities.text_or("volume_backend_name"), "file");
  EXPECT_EQ(state.capabilities.text_or("storage_protocol") + state.capabilities.text_or("tier"), "NBDfast");
  pool.total_bytes = pool.free_bytes = pool.limit_bytes = -1;
  shape.extra.emplace_back("volume_backend_name", json::Value(std::string("theirs")));
  pool.json = shape.to_json();
  const PoolState unknown = to_state(pool);
  EXPECT_FALSE(unknown.total.known() || unknown.free.known() || unknown.promise_limit);
  EXPECT_EQ(unknown.capabilities.text_or("volume_backend_name"), "theirs");
  pool.json = R"({"version":99})";
  EXPECT_TRUE(to_state(pool).thin) << "a report that is not understood is none";
  backends({"b", "a"});
  Texts names;
  for (const PoolState& one : read([](auto& tx) { return all_states(tx); })) names.push_back(one.host());
  EXPECT_EQ(names, (Texts{"a#p", "b#p"}));
}

}  // namespace
}  // namespace scoria::store::pools
