#include "store/objects/objects.h"

#include "store/testing.h"

namespace scoria::store::objects {
namespace {

using testing::joined;
using testing::Texts;

std::string named(const std::vector<Object>& objects) {
  std::string out;
  for (const Object& one : objects) out += (out.empty() ? "" : " ") + one.backend + "/" + one.name;
  return out;
}

class Ledger : public testing::Migrated {
 protected:
  struct Row {
    std::string backend, name, state, base = {};
    int changed_at = 1;
    std::string owner = "v", type = "volume";
  };
  void add(const std::vector<Row>& objects) {
    database().write([&](db::Transaction& tx) {
      for (const Row& o : objects)
        tx.run("INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, base, op, epoch, state, size_bytes, created_at, changed_at) "
               "VALUES (?, ?, 'q', ?, ?, ?, 'o', 1, ?, 7, 1, ?)", {o.backend, o.name, o.type, o.owner, db::or_null(o.base), o.state, o.changed_at});
    });
  }
  /// The object b/n and its neighbours: of another name, and of another backend.
  void afresh(const std::string& state, const std::string& set = "rechecks = 0") {
    run("DELETE FROM backend_object");
    add({{"b", "n", state}, {"b", "m", state}, {"c", "n", state}, {"c", "m", state}});
    run("UPDATE backend_object SET " + set);
  }
  std::string changed(const Work& work) {
    return changes("backend_object", "backend || '/' || name", "state, base, size_bytes, changed_at, recheck_at, rechecks, op, epoch", work);
  }
};
SCORIA_EVERY_ENGINE(Ledger);

TEST_P(Ledger, names_are_counted_by_owner_and_never_come_back) {
  add({{"b", "volume-v", "gone"}, {"b", "snapshot-v", "published", "", 1, "v", "snapshot"}, {"b", "volume-w", "published", "", 1, "w"}, {"b", "volume-v.r2", "doomed"}});
  const auto next = [&](const char* type, const char* id) { return read([&](auto& tx) { return next_name(tx, type, id); }); };
  EXPECT_EQ(next("volume", "v"), "volume-v.r3");
  EXPECT_EQ(next("snapshot", "v"), "snapshot-v.r2");
  EXPECT_EQ(next("volume", "w"), "volume-w.r2");
  EXPECT_EQ(next("volume", "x"), "volume-x");
}

TEST_P(Ledger, an_object_is_read_as_it_was_intended) {
  database().write([](db::Transaction& tx) {
    intend(tx, {.backend = "b", .name = "n", .pool = "q", .owner_type = "volume", .owner_id = "v", .base = "m", .operation = "o", .epoch = 5, .size_bytes = 9});
  });
  EXPECT_EQ(rows("SELECT created_at, changed_at, recheck_at, rechecks FROM backend_object"), Texts{"now|now|-|0"});
  add({{"b", "l", "published"}});
  const auto all = read([](auto& tx) { return of_owner(tx, "v"); });
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "l") << "oldest first";
  const Object& o = all[1];
  EXPECT_EQ(joined(o.backend, o.name, o.pool, o.owner_type, o.owner_id, o.base, o.operation, o.epoch, o.state, o.size_bytes), "b|n|q|volume|v|m|o|5|intended|9");
  EXPECT_TRUE(read([](auto& tx) { return of_owner(tx, "w"); }).empty());
}

TEST_P(Ledger, an_object_goes_its_way_alone) {
  const auto published = [](auto& tx) { publish(tx, "b", "n"); };
  const auto resized = [](auto& tx) { resize(tx, "b", "n", 8); };
  const auto based = [](auto& tx) { set_base(tx, "b", "n", "l"); };
  const auto doomed = [](auto& tx) { doom(tx, "b", "n"); };
  const auto went = [](auto& tx) { gone(tx, "b", "n"); };
  afresh("intended");
  EXPECT_EQ(changed(resized), "refused: object.resize");
  EXPECT_EQ(changed(went), "");
  EXPECT_EQ(changed(published), "b/n: state=published changed_at=now");
  EXPECT_EQ(changed(published), "refused: object.publish");
  afresh("published");
  EXPECT_EQ(changed(resized), "b/n: size_bytes=8 changed_at=now");
  EXPECT_EQ(changed(based), "b/n: base=l");
  EXPECT_EQ(changed([](auto& tx) { set_base(tx, "b", "n", ""); }), "b/n: base=-");
  afresh("published");
  EXPECT_EQ(changed(doomed), "b/n: state=doomed changed_at=now");
  afresh("doomed");
  EXPECT_EQ(changed(doomed), "");
  EXPECT_EQ(changed(went), "b/n: state=gone changed_at=now recheck_at=now+10s");
  afresh("gone");
  EXPECT_EQ(changed(based), "");
  EXPECT_EQ(changed(doomed), "");
}

TEST_P(Ledger, all_of_an_owner_are_doomed_together) {
  add({{"b", "i", "intended"}, {"c", "p", "published"}, {"b", "g", "gone"}, {"b", "r", "released"}, {"b", "other", "published", "", 1, "w"}});
  EXPECT_EQ(changed([](auto& tx) { doom_all_of(tx, "v"); }), "b/i: state=doomed changed_at=now; c/p: state=doomed changed_at=now");
}

TEST_P(Ledger, published_ones_are_found) {
  add({{"b", "n1", "published"}, {"b", "n2", "intended"}, {"c", "n2", "published"}, {"b", "n3", "published", "", 1, "s", "snapshot"}, {"b", "n4", "published"},
       {"b", "n5", "published"}});
  const auto is = [&](const char* name) { return read([&](auto& tx) { return is_published(tx, "b", name); }); };
  EXPECT_TRUE(is("n1"));
  EXPECT_FALSE(is("n2"));
  EXPECT_FALSE(is("n9"));
  const auto page = [&](const char* after, std::size_t limit) { return named(read([&](auto& tx) { return published_volumes(tx, "b", after, limit); })); };
  EXPECT_EQ(page("", 10), "b/n1 b/n4 b/n5");
  EXPECT_EQ(page("n1", 10), "b/n4 b/n5");
  EXPECT_EQ(page("n1", 1), "b/n4");
}

TEST_P(Ledger, doomed_ones_are_destroyed_after_what_hangs_on_them) {
  add({{"b", "free", "doomed", "", 9}, {"b", "held", "doomed", "", 8}, {"b", "child", "published", "held"}, {"b", "spent", "doomed", "", 7},
       {"b", "former", "gone", "spent"}, {"b", "given", "released", "spent"}, {"c", "stranger", "published", "spent"}, {"c", "elsewhere", "doomed", "", 6, "w"}});
  add({{"b", "twice", "doomed", "", 5}, {"b", "dying", "doomed", "twice", 4}, {"b", "begun", "intended", "spent-not"}});
  const auto some = [&](std::size_t limit) { return named(read([&](auto& tx) { return destroyable(tx, "b", limit); })); };
  EXPECT_EQ(some(10), "b/dying b/spent b/free") << "longest doomed first";
  EXPECT_EQ(some(2), "b/dying b/spent");
  EXPECT_EQ(named(read([](auto& tx) { return destroyable_of(tx, "v"); })), "b/dying b/free b/spent");
  EXPECT_EQ(named(read([](auto& tx) { return destroyable_of(tx, "w"); })), "c/elsewhere");
}

TEST_P(Ledger, the_living_that_hang_on_the_doomed_are_found) {
  add({{"b", "late", "doomed", "", 9}, {"b", "early", "doomed", "", 8}, {"b", "alive", "published", "", 7}, {"c", "far", "doomed", "", 6},
       {"b", "one", "published", "late"}, {"b", "two", "intended", "early"}, {"b", "gone", "gone", "early"}, {"b", "fine", "published", "alive"}});
  add({{"c", "three", "published", "far"}, {"c", "four", "published", "late"}});
  const auto some = [&](std::size_t limit) { return named(read([&](auto& tx) { return children_of_doomed(tx, "b", limit); })); };
  EXPECT_EQ(some(10), "b/two b/one");
  EXPECT_EQ(some(1), "b/two");
}

TEST_P(Ledger, gone_ones_are_looked_at_again_less_and_less_often) {
  const auto due = [&](std::size_t limit) { return named(read([&](auto& tx) { return to_recheck(tx, "b", limit); })); };
  afresh("gone", "recheck_at = scoria_now()");
  run("UPDATE backend_object SET recheck_at = recheck_at - 5000000 WHERE name = 'm'");
  EXPECT_EQ(due(10), "b/m b/n");
  EXPECT_EQ(due(1), "b/m");
  afresh("gone", "recheck_at = scoria_now() + 60000000");
  EXPECT_EQ(due(10), "");
  afresh("doomed", "recheck_at = scoria_now()");
  EXPECT_EQ(due(10), "");
  const auto absent = [](auto& tx) { rechecked(tx, "b", "n", false); };
  const auto present = [](auto& tx) { rechecked(tx, "b", "n", true); };
  EXPECT_EQ(changed(absent), "");
  EXPECT_EQ(changed(present), "");
  for (const auto& [times, next] : std::map<std::string, std::string>{{"0", "now+10s"}, {"1", "now+60s"}, {"2", "now+600s"}, {"3", "now+3600s"}}) {
    afresh("gone", "recheck_at = 1, rechecks = " + times);
    EXPECT_EQ(changed(absent), "b/n: recheck_at=" + next + " rechecks=" + std::to_string(std::stoi(times) + 1));
  }
  afresh("gone", "recheck_at = 1, rechecks = 4");
  EXPECT_EQ(changed(absent), "b/n: recheck_at=- rechecks=5") << "never again";
  afresh("gone", "recheck_at = 1, rechecks = 2");
  EXPECT_EQ(changed(present), "b/n: state=doomed changed_at=now recheck_at=-");
}

TEST_P(Ledger, a_pools_inventory_comes_with_what_its_owners_are_doing) {
  run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'fast', 1, '{}', 1)");
  const auto owner = [&](const std::string& table, const char* id, const char* holder, const char* shown, int rev) {
    const bool volume = table == "volume";
    run("INSERT INTO " + table + " (id, project_id, user_id, size_gib, status, volume_type_id, metadata, x_op, provider_name, rev, created_at, " +
            (volume ? "attach_status, availability_zone, image_metadata" : "volume_id, backend, pool") + ") VALUES (?, 'p', 'u', 1, 'available', 't', '{}', ?, ?, ?, 1, '', '', '')",
        {id, db::or_null(holder), shown, rev});
  };
  owner("volume", "v", "o", "n1", 7), owner("snapshot", "v", "", "n2", 8), owner("snapshot", "s", "o", "n3", 9), owner("volume", "s", "", "n4", 6);
  add({{"b", "n0", "published"}, {"b", "n1", "published"}, {"b", "n2", "doomed", "", 1, "v", "snapshot"}, {"b", "n3", "intended", "", 1, "s", "snapshot"},
       {"b", "n4", "published", "", 1, "s"}, {"b", "n5", "gone"}, {"b", "n6", "published"}, {"c", "n1", "published"}, {"b", "n7", "gone"}, {"b", "n8", "published"}});
  run("UPDATE backend_object SET pool = 'other' WHERE name IN ('n6', 'n8')");
  run("UPDATE backend_object SET changed_at = " + not_over() + " - 60000000 WHERE name = 'n1'");
  if (!still()) run("UPDATE backend_object SET changed_at = 1 WHERE name = 'n1'");
  run("UPDATE backend_object SET changed_at = scoria_now() - 50000000 WHERE name = 'n2'");
  const auto told = [&](const std::string& after, const std::string& last, const std::vector<std::string>& names) {
    std::string out;
    for (const Listed& one : read([&](auto& tx) { return of_pool(tx, "b", "q", after, last, names, std::chrono::seconds{60}); }))
      out += one.backend + "/" + one.name + (one.owner_busy ? " busy " : " ") + std::to_string(one.owner_rev) + (one.old ? " old" : "") + ", ";
    return out;
  };
  const std::string middle = "b/n1 busy 7 old, b/n2 8, b/n3 busy 9 old, b/n4 6 old, ";
  EXPECT_EQ(told("", "", {}), "b/n0 -1 old, " + middle);
  EXPECT_EQ(told("n0", "n4", {"n5", "n6", "n9"}), middle + "b/n5 -1 old, b/n6 -1 old, ");
  EXPECT_EQ(told("n1", "n2", {}), "b/n2 8, ");
  EXPECT_EQ(told("n9", "", {"n2"}), "b/n2 8, ");
}

TEST_P(Ledger, a_stranger_is_adopted_only_if_our_history_says_that_it_is_dead) {
  const auto operation = [&](const char* id, const char* resource, bool finished) {
    run("INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, created_at, updated_at, "
        "finished_at) VALUES (?, 'k', 1, 'q', 'p', 'u', 'r', 'volume', ?, 's', 1, 1, '', '{}', '{}', 1, 1, ?)", {id, resource, finished ? db::Value(5) : db::Value()});
  };
  const auto adopted = [&](const char* owner, const std::string& base = "") {
    bool done = false;
    const std::string change = changed([&](auto& tx) {
      done = adopt_dead(tx, {.backend = "b", .name = std::string("of-") + owner, .pool = "q", .owner_type = "volume", .owner_id = owner, .base = base, .size_bytes = 9});
    });
    EXPECT_EQ(done, !change.empty());
    return change;
  };
  run("INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'fast', 1, '{}', 1)");
  operation("o1", "dead", true), operation("o2", "dead", true), operation("o3", "busy", true), operation("o4", "busy", false), operation("o5", "begun", false);
  operation("o6", "volume", true), operation("o7", "snapshot", true), operation("o8", "bare", true);
  run("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, metadata, image_metadata, created_at) "
      "VALUES ('volume', 'p', 'u', 1, 'available', 'detached', 't', 'nova', '{}', '{}', 1)");
  run("INSERT INTO snapshot (id, volume_id, project_id, user_id, status, size_gib, volume_type_id, backend, pool, metadata, created_at) "
      "VALUES ('snapshot', 'volume', 'p', 'u', 'available', 1, 't', 'b', 'q', '{}', 1)");
  EXPECT_EQ(adopted("dead", "m"), "b/of-dead: new");
  EXPECT_EQ(adopted("dead"), "") << "it is known";
  EXPECT_EQ(adopted("bare"), "b/of-bare: new");
  for (const char* living : {"busy", "begun", "volume", "snapshot", "unheard-of"}) EXPECT_EQ(adopted(living), "") << living;
  EXPECT_EQ(rows("SELECT pool, owner_type, owner_id, base, op, epoch, state, size_bytes, created_at, changed_at FROM backend_object ORDER BY name DESC"),
            (Texts{"q|volume|dead|m|o2|0|doomed|9|now|now", "q|volume|bare|-|o8|0|doomed|9|now|now"}));
}

}  // namespace
}  // namespace scoria::store::objects
