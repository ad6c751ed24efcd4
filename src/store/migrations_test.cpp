#include "store/migrations.h"

#include <map>
#include <set>

#include "db/testing.h"

namespace scoria::store {
namespace {

class Schema : public db::testing::EveryEngine {
 protected:
  /// "table.column" of everything there is.
  static std::set<std::string> columns(db::Database& database) {
    const db::Rows rows = database.read([&](db::Transaction& tx) {
      if (database.engine() == db::Engine::sqlite)
        return tx.query("SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'");
      const std::string schema = database.engine() == db::Engine::postgres ? "current_schema()" : "database()";
      return tx.query("SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = " + schema);
    });
    std::set<std::string> out;
    for (std::size_t row = 0; row < rows.size(); ++row) out.insert(rows.at(row, 0).text());
    std::erase_if(out, [](const std::string& column) { return column.starts_with("schema_progress."); });  // MariaDB's own
    return out;
  }

  /// What stands in each of these columns, in the order of the rows as texts.
  static std::map<std::string, std::vector<std::string>> contents(db::Database& database, const std::set<std::string>& names) {
    std::map<std::string, std::vector<std::string>> out;
    database.read([&](db::Transaction& tx) {
      for (const std::string& column : names) {
        const auto dot = column.find('.');
        const db::Rows rows = tx.query("SELECT COALESCE(CAST(" + column.substr(dot + 1) + " AS TEXT), 'null') FROM " + column.substr(0, dot) + " ORDER BY 1");
        auto& values = out[column];
        for (std::size_t row = 0; row < rows.size(); ++row) values.push_back(rows.at(row, 0).text());
      }
    });
    return out;
  }
  void expect_the_same_from(std::size_t first);
  void expect_nothing_lost_from(std::size_t first);
};
SCORIA_EVERY_ENGINE(Schema);

TEST_P(Schema, is_the_same_on_every_engine_and_built_once) {
  const auto steps = static_cast<int>(migrations().size());
  EXPECT_EQ(db::migrate(database(), migrations()), steps);
  EXPECT_EQ(db::migrate(database(), migrations()), 0);
  EXPECT_EQ(db::schema_version(database()), steps);

  const auto reference = db::testing::make_fresh(db::testing::Kind::sqlite_memory, clock());
  db::migrate(reference->database(), migrations());
  EXPECT_EQ(columns(database()), columns(reference->database()));
  EXPECT_GT(columns(database()).size(), 20u);
}

// Of all steps a part each, so that no test takes long: older steps first + 1, first + 1 + parts, …
constexpr std::size_t parts = 7;

void Schema::expect_the_same_from(std::size_t first) {
  db::migrate(database(), migrations());
  const auto built = columns(database());
  for (std::size_t older = first + 1; older < migrations().size(); older += parts) {
    const auto upgraded = db::testing::make_fresh(GetParam(), clock());
    db::migrate(upgraded->database(), migrations().first(older));
    db::migrate(upgraded->database(), migrations());
    EXPECT_EQ(columns(upgraded->database()), built) << "from " << older;
  }
}

TEST_P(Schema, is_the_same_when_upgraded_from_any_older_step_part_1) { expect_the_same_from(0); }
TEST_P(Schema, is_the_same_when_upgraded_from_any_older_step_part_2) { expect_the_same_from(1); }
TEST_P(Schema, is_the_same_when_upgraded_from_any_older_step_part_3) { expect_the_same_from(2); }
TEST_P(Schema, is_the_same_when_upgraded_from_any_older_step_part_4) { expect_the_same_from(3); }
TEST_P(Schema, is_the_same_when_upgraded_from_any_older_step_part_5) { expect_the_same_from(4); }
TEST_P(Schema, is_the_same_when_upgraded_from_any_older_step_part_6) { expect_the_same_from(5); }
TEST_P(Schema, is_the_same_when_upgraded_from_any_older_step_part_7) { expect_the_same_from(6); }

/// A row of every table, by the step of the schema that made the table or its columns: what a deployment of that age holds.
struct Old {
  int step;
  const char* sql;
};
constexpr Old old_rows[] = {
    {1, "INSERT INTO setting (name, value) VALUES ('deployment', 'd')"},
    {1, "INSERT INTO node (host, roles, state, lease_until, started_at, release, schema_version) VALUES ('h', 'api', 'up', 1, 1, '0', 1)"},
    {1, "INSERT INTO operation (id, kind, ver, queue, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, step, input, ctx, created_at, "
        "updated_at) VALUES ('o', 'volume.create', 1, 'q', 'p', 'u', 'r', 'volume', 'v', 'ready', 0, 1, 'place', '{\"version\":1}', '{}', 1, 1)"},
    {1, "INSERT INTO op_res (op, rtype, rid, mode) VALUES ('o', 'volume', 'v', 'X')"},
    {1, "INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, op, epoch, state, size_bytes, created_at, changed_at) "
        "VALUES ('b', 'volume-v', 'p', 'volume', 'v', 'o', 1, 'published', 1000, 1, 1)"},
    {1, "INSERT INTO backend (name, zone, created_at) VALUES ('b', 'nova', 1)"},
    {1, "INSERT INTO pool (backend, name, allocated_bytes, unit_bytes, minimum_bytes, report, reported_at) VALUES ('b', 'p', 1000, 1, 1, '{}', 1)"},
    {1, "INSERT INTO service (host, binary_name, id, zone, inc, created_at, updated_at) VALUES ('h', 'b', 'i', 'z', 1, 1, 1)"},
    {1, "INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'type', 1, '{}', 1)"},
    {1, "INSERT INTO volume_type_access (type_id, project_id) VALUES ('t', 'p')"},
    {1, "INSERT INTO quota_limit (project_id, scope, resource, value) VALUES ('p', '', 'volumes', 10)"},
    {1, "INSERT INTO quota_class_limit (class, scope, resource, value) VALUES ('default', '', 'volumes', 10)"},
    {1, "INSERT INTO quota_usage (project_id, scope, volumes, gigabytes) VALUES ('p', '', 1, 1)"},
    {1, "INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, metadata, image_metadata, created_at) "
        "VALUES ('v', 'p', 'u', 1, 'available', 'detached', 't', 'nova', '{\"k\":\"v\"}', '{}', 1)"},
    {1, "INSERT INTO snapshot (id, volume_id, project_id, user_id, status, size_gib, volume_type_id, backend, pool, metadata, created_at) "
        "VALUES ('s', 'v', 'p', 'u', 'available', 1, 't', 'b', 'p', '{}', 1)"},
    {1, "INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, created_at) VALUES ('a', 'v', 'p', 'u', 'attached', 1)"},
    {1, "INSERT INTO message (id, project_id, action_id, detail_id, message_level, created_at, expires_at) VALUES ('m', 'p', '001', '001', 'ERROR', 1, 2)"},
    {1, "INSERT INTO outbox (id, topic, op, body, created_at) VALUES ('o.start', 't', 'o', '{}', 1)"},
    {1, "INSERT INTO idempotency (project_id, user_id, key, request_hash, op, resource_id, expires_at) VALUES ('p', 'u', 'k', 'h', 'o', 'v', 1)"},
    {1, "INSERT INTO lease_lock (name, holder, token, until) VALUES ('l', 'h', 1, 1)"},
    {2, "INSERT INTO identity_project (id, name, enabled, created_at) VALUES ('p', 'project', 1, 1)"},
    {2, "INSERT INTO identity_user (id, name, enabled, created_at) VALUES ('u', 'user', 1, 1)"},
    {2, "INSERT INTO identity_role (id, name, created_at) VALUES ('r', 'member', 1)"},
    {2, "INSERT INTO identity_assignment (user_id, project_id, role_id) VALUES ('u', 'p', 'r')"},
    {2, "INSERT INTO identity_token (hash, user_id, audit_id, issued_at, expires_at) VALUES ('h', 'u', 'a', 1, 2)"},
    {3, "INSERT INTO volume_type_default (project_id, type_id) VALUES ('p', 't')"},
    {4, "INSERT INTO log_setting (host, prefix, level, created_at) VALUES ('h', '', 'DEBUG', 1)"},
    {5, "INSERT INTO chore (name, due_at) VALUES ('purge', 1)"},
    {5, "INSERT INTO finding (place, kind, subject, text, found_at, seen_at) VALUES ('b', 'object.orphan', 's', 'text', 1, 1)"},
    {6, "INSERT INTO qos_specs (id, name, consumer, specs, created_at) VALUES ('q', 'specs', 'back-end', '{}', 1)"},
    {7, "INSERT INTO node_report (inc, report, reported_at) VALUES (1, '[]', 1)"},
    {8, "UPDATE backend SET updated_at = 1"},
    {8, "INSERT INTO backend_alias (name, now) VALUES ('before', 'b')"},
    {9, "UPDATE service SET activity = 'active-active'"},
    {10, "INSERT INTO export_host (name, cluster, lease_until) VALUES ('h', 'c', 1)"},
    {10, "INSERT INTO portal (name, cluster, host) VALUES ('10.0.0.1', 'c', 'h')"},
    {10, "INSERT INTO export_place (volume_id, place) VALUES ('v', '10.0.0.1')"},
    {11, "INSERT INTO node_version (inc, name, version) VALUES (1, 'schema', 11)"},
    {11, "INSERT INTO pin (name, version) VALUES ('schema', 11)"},
};

void Schema::expect_nothing_lost_from(std::size_t first) {
  for (std::size_t older = first + 1; older <= migrations().size(); older += parts) {
    const auto fresh = db::testing::make_fresh(GetParam(), clock());
    db::Database& old = fresh->database();
    db::migrate(old, migrations().first(older));
    old.write([&](db::Transaction& tx) {
      for (const Old& row : old_rows)
        if (row.step <= static_cast<int>(older)) tx.run(row.sql);
    });
    std::set<std::string> known = columns(old);
    std::erase_if(known, [](const std::string& column) { return column.starts_with("schema_"); });
    const auto before = contents(old, known);
    EXPECT_EQ(db::migrate(old, migrations()), static_cast<int>(migrations().size() - older));
    const auto after = contents(old, known);
    for (const auto& [column, values] : before) {
      EXPECT_EQ(after.at(column), values) << column << " upgraded from " << older;
      EXPECT_FALSE(values.empty()) << column << " of step " << older << ": whoever adds a table adds a row of it above";
    }
  }
}

TEST_P(Schema, upgrades_lose_nothing_of_any_older_deployment_part_1) { expect_nothing_lost_from(0); }
TEST_P(Schema, upgrades_lose_nothing_of_any_older_deployment_part_2) { expect_nothing_lost_from(1); }
TEST_P(Schema, upgrades_lose_nothing_of_any_older_deployment_part_3) { expect_nothing_lost_from(2); }
TEST_P(Schema, upgrades_lose_nothing_of_any_older_deployment_part_4) { expect_nothing_lost_from(3); }
TEST_P(Schema, upgrades_lose_nothing_of_any_older_deployment_part_5) { expect_nothing_lost_from(4); }
TEST_P(Schema, upgrades_lose_nothing_of_any_older_deployment_part_6) { expect_nothing_lost_from(5); }
TEST_P(Schema, upgrades_lose_nothing_of_any_older_deployment_part_7) { expect_nothing_lost_from(6); }

}  // namespace
}  // namespace scoria::store
