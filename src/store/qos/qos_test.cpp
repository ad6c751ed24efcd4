#include "store/qos/qos.h"

#include "store/testing.h"
#include "store/types/types.h"

namespace scoria::store::qos {
namespace {

using testing::joined;
using testing::Texts;

class Qos : public testing::Migrated {
 protected:
  void SetUp() override {
    Migrated::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    database().write([](db::Transaction& tx) {
      for (const char* id : {"a", "b"}) insert(tx, {.id = id, .name = "n" + std::string(id), .consumer = "both", .specs = {{"k", "1"}}});
      tx.run("UPDATE qos_specs SET rev = 5, created_at = 21");
      tx.run("DELETE FROM volume_type");
      for (const auto& [id, name, specs] : {std::tuple{"t", "y", "a"}, {"u", "x", "a"}, {"v", "z", "b"}, {"w", "w", ""}})
        types::insert(tx, {.id = {id}, .name = name, .qos_specs_id = specs, .extra_specs = {}});
      tx.run("UPDATE volume_type SET rev = 5");
    });
  }
  std::string changed(const Work& work) { return changes("qos_specs", "id", "name, consumer, specs, rev, updated_at", work); }
  std::string types_changed(const Work& work) { return changes("volume_type", "id", "qos_specs_id, rev, updated_at", work); }
};
SCORIA_EVERY_ENGINE(Qos);

std::string everything(const std::optional<QosSpecs>& q) {
  if (!q) return "none";
  std::string specs;
  for (const auto& [key, value] : q->specs) specs += " " + key + "=" + value;
  return joined(q->id, q->name, q->consumer, q->rev, q->created_at, q->updated_at) + specs;
}

TEST_P(Qos, specs_are_read_as_they_were_written) {
  run(R"(UPDATE qos_specs SET updated_at = 22, specs = '{"k":"1","l":5}' WHERE id = 'a')");
  const auto found = [&](const char* id) { return everything(read([&](auto& tx) { return find(tx, id); })); };
  EXPECT_EQ(found("a"), "a|na|both|5|21|22 k=1 l=");
  EXPECT_EQ(found("b"), "b|nb|both|5|21|0 k=1");
  EXPECT_EQ(found("nobody"), "none");
  const auto of = [&](const char* type) { return everything(read([&](auto& tx) { return of_type(tx, type); })); };
  EXPECT_EQ(of("t"), "a|na|both|5|21|22 k=1 l=");
  EXPECT_EQ(of("v"), "b|nb|both|5|21|0 k=1");
  EXPECT_EQ(of("w"), "none");
  const auto types = read([](auto& tx) { return types_of(tx, "a"); });
  ASSERT_EQ(types.size(), 2u);
  EXPECT_EQ(types[0].name + types[1].name, "xy");
}

TEST_P(Qos, specs_change_as_they_were_seen) {
  QosSpecs seen = *read([](auto& tx) { return find(tx, "a"); });
  const auto change_it = [&](auto& tx) { change(tx, seen, "front-end", {{"l", "2"}}); };
  EXPECT_EQ(changed(change_it), R"(a: consumer=front-end specs={"l":"2"} rev=6 updated_at=now)");
  EXPECT_EQ(changed(change_it), "refused: qos.seen");
  EXPECT_EQ(changed([](auto& tx) { touch(tx, "b"); }), "b: rev=6");
  EXPECT_EQ(changed([](auto& tx) { touch(tx, "nobody"); }), "refused: qos.seen");
  EXPECT_EQ(changed([](auto& tx) { remove(tx, "a"); }), "a: gone");
  EXPECT_EQ(changed([](auto& tx) { remove(tx, "a"); }), "refused: qos.seen");
  EXPECT_THROW(database().write([](db::Transaction& tx) { insert(tx, {.id = "c", .name = "nb"}); }), db::ConstraintError);
}

TEST_P(Qos, types_have_one_and_say_which_they_had) {
  const auto given = [](const char* type, const char* id, const char* had) { return [=](db::Transaction& tx) { associate(tx, type, id, had); }; };
  EXPECT_EQ(types_changed(given("w", "a", "")), "w: qos_specs_id=a rev=6 updated_at=now");
  EXPECT_EQ(types_changed(given("t", "b", "b")), "refused: qos.type");
  EXPECT_EQ(types_changed(given("t", "", "a")), "t: qos_specs_id=- rev=6 updated_at=now");
  EXPECT_EQ(types_changed(given("nobody", "a", "")), "refused: qos.type");
  EXPECT_EQ(types_changed([](auto& tx) { disassociate_all(tx, "a"); }), "u: qos_specs_id=- rev=6 updated_at=now; w: qos_specs_id=- rev=7");
}

TEST_P(Qos, changes_are_counted) {
  run("INSERT INTO qos_change (id, changes) VALUES ('another', 7)");
  EXPECT_EQ(read([](auto& tx) { return qos::changes(tx); }), 0);
  EXPECT_EQ(Migrated::changes("qos_change", "id", "changes", [](auto& tx) { count_change(tx), count_change(tx); }), "all: changes=2");
  EXPECT_EQ(read([](auto& tx) { return qos::changes(tx); }), 2);
}

}  // namespace
}  // namespace scoria::store::qos
