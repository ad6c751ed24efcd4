#include "reconcile/invariants.h"

#include <algorithm>

#include "db/testing.h"
#include "store/migrations.h"

namespace scoria::reconcile {
namespace {

/// A healthy deployment: one volume with one snapshot, charged, placed and published, read by nobody.
constexpr std::string_view healthy[] = {
    "INSERT INTO volume_type (id, name, is_public, extra_specs, created_at) VALUES ('t', 'type', 1, '{}', 1)",
    "INSERT INTO backend (name, zone, gen, created_at) VALUES ('b', 'nova', 2, 1)",
    "INSERT INTO pool (backend, name, allocated_bytes, volumes, unit_bytes, minimum_bytes, report, reported_at) VALUES ('b', 'p', 1000, 1, 1, 1, '{}', 1)",
    "INSERT INTO node (host, roles, state, lease_until, started_at, release, schema_version) VALUES ('h', 'volume', 'up', scoria_now() + 4000000, 1, '1', 1)",
    "INSERT INTO quota_usage (project_id, scope, volumes, gigabytes, snapshots) VALUES ('p', '', 1, 2, 1), ('p', 't', 1, 2, 1)",
    "INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, backend, pool, provider_name, object_bytes, "
    "metadata, image_metadata, snapshots, charged_project, charged_type, charged_gib, created_at) "
    "VALUES ('v', 'p', 'u', 1, 'available', 'detached', 't', 'nova', 'b', 'p', 'volume-v', 1000, '{}', '{}', 1, 'p', 't', 1, 1)",
    "INSERT INTO snapshot (id, volume_id, project_id, user_id, status, size_gib, volume_type_id, backend, pool, provider_name, metadata, charged_project, "
    "charged_type, charged_gib, created_at) VALUES ('s', 'v', 'p', 'u', 'available', 1, 't', 'b', 'p', 'snapshot-s', '{}', 'p', 't', 1, 1)",
    "INSERT INTO backend_object (backend, name, pool, owner_type, owner_id, op, epoch, state, size_bytes, created_at, changed_at) "
    "VALUES ('b', 'volume-v', 'p', 'volume', 'v', 'o', 1, 'published', 1000, 1, 1), ('b', 'snapshot-s', 'p', 'snapshot', 's', 'o', 1, 'published', 1000, 1, 1)",
    "INSERT INTO operation (id, kind, ver, queue, backend, project_id, user_id, request_id, resource_type, resource_id, state, prio, run_at, epoch, step, input, "
    "ctx, history, created_at, updated_at, finished_at) VALUES ('o', 'volume.create', 1, 'b', 'b', 'p', 'u', 'r', 'volume', 'v', 'succeeded', 0, 1, 2, 'fill', "
    "'{}', '{}', '{\"step\":\"place\",\"epoch\":1,\"at\":1},{\"step\":\"fill\",\"epoch\":2,\"at\":2},', 1, 1, scoria_now())",
    "INSERT INTO outbox (id, topic, op, body, created_at) VALUES ('o.start', 't', 'o', '{}', 1), ('o.end', 't', 'o', '{}', 1)",
};

struct Harm {
  const char* invariant;
  const char* sql;
};

/// One thing that must never be, each alone.
constexpr Harm harms[] = {
    {"I1", "UPDATE quota_usage SET gigabytes = gigabytes + 1 WHERE scope = ''"},
    {"I1", "UPDATE quota_usage SET snapshots = 0 WHERE scope = 't'"},
    {"I1", "DELETE FROM quota_usage"},
    {"I3", "UPDATE volume SET x_op = 'nobody', x_mode = 'L'"},
    {"I3", "UPDATE volume SET x_op = 'o', x_mode = 'L'"},
    {"I3", "UPDATE volume SET status = 'extending'"},
    {"I3", "UPDATE snapshot SET status = 'deleting'"},
    {"I3", "UPDATE volume SET next_op = 'o'"},
    {"I4", "UPDATE volume SET s_ops = 1"},
    {"I4", "UPDATE snapshot SET s_ops = 1"},
    {"I4", "UPDATE volume SET attachments = 1"},
    {"I4", "UPDATE volume SET snapshots = 2"},
    {"I4", "INSERT INTO op_res (op, rtype, rid, mode) VALUES ('o', 'volume', 'v', 'X')"},
    {"I4", "UPDATE operation SET state = 'ready', finished_at = NULL"},
    {"I5", "UPDATE operation SET owner = 1"},
    {"I5", "UPDATE operation SET state = 'running', owner = 1, backend_gen = 2"},
    {"I5", "UPDATE operation SET history = history || '{\"step\":\"fill\",\"epoch\":1,\"at\":3},'"},
    {"I7", "UPDATE operation SET state = 'ready', finished_at = NULL, deadline = scoria_now() - 1000000000"},
    {"I8", "UPDATE backend_object SET state = 'doomed' WHERE name = 'volume-v'"},
    {"I8", "UPDATE backend_object SET state = 'doomed' WHERE name = 'snapshot-s'"},
    {"I8", "UPDATE backend_object SET size_bytes = 1 WHERE name = 'volume-v'"},
    {"I8", "UPDATE backend_object SET owner_id = 'x' WHERE name = 'volume-v'"},
    {"I8", "UPDATE volume SET provider_name = NULL"},
    {"I8", "UPDATE backend_object SET state = 'intended' WHERE name = 'snapshot-s'"},
    {"I9", "UPDATE backend_object SET base = CASE WHEN name = 'volume-v' THEN 'snapshot-s' ELSE NULL END, state = CASE WHEN name = 'volume-v' THEN state ELSE 'gone' END"},
    {"I11", "UPDATE volume SET status = 'in-use'"},
    {"I11", "INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, created_at) VALUES ('a', 'v', 'p', 'u', 'attached', 1)"},
    {"I11", "INSERT INTO attachment (id, volume_id, project_id, user_id, attach_status, created_at) VALUES ('a', 'gone', 'p', 'u', 'reserved', 1)"},
    {"I12", "UPDATE snapshot SET volume_id = 'gone'"},
    {"I15", "UPDATE pool SET allocated_bytes = 5"},
    {"I15", "UPDATE pool SET volumes = 0"},
    {"I16", "UPDATE operation SET state = 'running', owner = 1, finished_at = NULL, backend_gen = 1"},
    {"I17", "DELETE FROM outbox WHERE id = 'o.end'"},
    {"I18", "UPDATE operation SET state = 'running', owner = 77, finished_at = NULL, backend_gen = 2, claimed_at = 1"},
    {"I18", "UPDATE node SET lease_until = scoria_now() - 60000000"},
    {"I18", "INSERT INTO lease_lock (name, holder, token, until) VALUES ('l', 'h', 1, 1)"},
};

class Invariants : public db::testing::EveryEngine {
 protected:
  void SetUp() override {
    db::testing::EveryEngine::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    db::migrate(database(), store::migrations());
    database().write([](db::Transaction& tx) {
      for (const std::string_view sql : healthy) tx.run(sql);
    });
  }
  std::vector<Violation> check() { return check_invariants(database(), {.timely = true, .events_kept = true}); }
};
SCORIA_EVERY_ENGINE(Invariants);

TEST_P(Invariants, a_healthy_deployment_has_none_violated) {
  for (const Violation& violation : check()) ADD_FAILURE() << violation.invariant << ": " << violation.text;
}

void expect_told(db::Database& database, std::span<const Harm> some) {
  for (const Harm& harm : some) {
    struct Undo {};
    try {
      database.write([&](db::Transaction& tx) {
        tx.run(harm.sql);
        const auto told = check_invariants(tx, {.timely = true, .events_kept = true});
        EXPECT_TRUE(std::any_of(told.begin(), told.end(), [&](const Violation& one) { return one.invariant == harm.invariant; })) << harm.invariant << " after " << harm.sql;
        throw Undo{};
      });
    } catch (const Undo&) {
    }
  }
  // Not the timely ones: on a slow machine the made-up node's lease has run out by now.
  EXPECT_TRUE(check_invariants(database, {.timely = false, .events_kept = true}).empty());
}

// In parts, so that no test takes long.
std::span<const Harm> part(std::size_t number) {
  constexpr std::size_t parts = 12;
  const std::size_t first = std::size(harms) * (number - 1) / parts;
  return std::span(harms).subspan(first, std::size(harms) * number / parts - first);
}
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_1) { expect_told(database(), part(1)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_2) { expect_told(database(), part(2)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_3) { expect_told(database(), part(3)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_4) { expect_told(database(), part(4)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_5) { expect_told(database(), part(5)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_6) { expect_told(database(), part(6)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_7) { expect_told(database(), part(7)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_8) { expect_told(database(), part(8)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_9) { expect_told(database(), part(9)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_10) { expect_told(database(), part(10)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_11) { expect_told(database(), part(11)); }
TEST_P(Invariants, each_harm_is_told_by_its_invariant_part_12) { expect_told(database(), part(12)); }

TEST_P(Invariants, none_is_left_untested) {
  for (const std::string& invariant : invariants())
    EXPECT_TRUE(invariant == "I2" || std::any_of(std::begin(harms), std::end(harms), [&](const Harm& harm) { return invariant == harm.invariant; }))
        << invariant << " (I2 cannot be harmed: the columns have CHECKs)";
}

}  // namespace
}  // namespace scoria::reconcile
