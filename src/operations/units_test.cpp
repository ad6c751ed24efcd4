#include "commands/snapshots/delete.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/extend.h"
#include "operations/testing.h"

namespace scoria {
namespace {

constexpr std::int64_t units[] = {mib, gib, 8 * gib, 10'000'000'000};

/// Backends that allocate in units of their own, each in a zone of its own.
class Units : public operations::testing::Node {
 protected:
  void SetUp() override {
    Node::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (std::size_t i = 0; i < std::size(units); ++i) {
      const std::string name = fmt::format("u{}@fake", i), zone = fmt::format("zone{}", i);
      minimum_[i] = {static_cast<std::int64_t>(dice_.below(3)) * units[i] + units[i]};
      arrays_[i] = std::make_shared<drivers::fake::Array>(
          clock(), random_, drivers::fake::ArrayOptions{.pools = {{.name = "p", .allocation_unit = {units[i]}, .minimum_size = minimum_[i]}}});
      auto backend = std::make_unique<operations::Backend>();
      backend->name = backend->host = name;
      backend->driver = drivers::fake::make_fake_driver(arrays_[i], "one");
      backends_.add(std::move(backend));
      database().write([&](db::Transaction& tx) {
        store::pools::ensure_backend(tx, name, "", zone);
        store::pools::ensure_service(tx, {.id = random_.uuid(), .host = name, .binary = "cinder-volume", .zone = zone, .inc = engine_->incarnation()});
        store::pools::report(tx, {.backend = name, .name = "p", .total_bytes = 1000 * gib, .free_bytes = 1000 * gib, .limit_bytes = 1000 * gib,
                                  .unit_bytes = units[i], .minimum_bytes = minimum_[i].count, .json = "{}"});
      });
      engine_->serve(name);
    }
  }

  Bytes rounded(std::size_t i, std::int64_t size_gib) { return round_up({std::max(from_gib(size_gib).count, minimum_[i].count)}, {units[i]}); }

  /// The volume has the bytes that its backend gives for so many GiB: in its row, in the ledger and on the array; and the pool has promised them.
  void expect_rounded(std::size_t i, const VolumeId& id, std::int64_t size_gib) {
    ASSERT_EQ(status_after_work(id), "available");
    const Volume now = *volume(id);
    EXPECT_EQ(now.size_gib, size_gib);
    EXPECT_EQ(now.object_bytes, rounded(i, size_gib).count) << "unit " << units[i] << ", minimum " << minimum_[i].count;
    drivers::Call call;
    call.deadline = Deadline::in(clock(), 5s);
    EXPECT_EQ(backends_.find(now.backend)->driver->probe(call, {now.pool, now.provider_name})->size.count, now.object_bytes);
    EXPECT_EQ(count(fmt::format("SELECT size_bytes FROM backend_object WHERE name = '{}'", now.provider_name)), now.object_bytes);
    EXPECT_EQ(count(fmt::format("SELECT allocated_bytes FROM pool WHERE backend = '{}'", now.backend)),
              count(fmt::format("SELECT SUM(object_bytes) FROM volume WHERE backend = '{}'", now.backend)));
    EXPECT_EQ(usage().gigabytes, count("SELECT (SELECT SUM(size_gib) FROM volume) + (SELECT COALESCE(SUM(size_gib), 0) FROM snapshot)")) << "what was asked for";
  }

  SeededRandom dice_{7};
  Bytes minimum_[std::size(units)];
  std::shared_ptr<drivers::fake::Array> arrays_[std::size(units)];
};
SCORIA_ON_NODE(Units);

TEST_P(Units, storage_gets_the_rounded_size_and_quota_the_one_that_was_asked_for) {
  for (std::size_t i = 0; i < std::size(units); ++i) {
    const std::int64_t first = 1 + static_cast<std::int64_t>(dice_.below(20)), second = first + 1 + static_cast<std::int64_t>(dice_.below(15));
    const auto made = commands::create_volume(*commands_, context_, {.size_gib = first, .availability_zone = fmt::format("zone{}", i)});
    ASSERT_TRUE(made) << made.error().message;
    expect_rounded(i, made->id, first);
    const Snapshot point = taken(*volume(made->id));
    ASSERT_TRUE(commands::extend_volume(*commands_, context_, *volume(made->id), second, false));
    expect_rounded(i, made->id, second);
    const auto clone = commands::create_volume(*commands_, context_, {.size_gib = second, .snapshot_id = point.id.text});
    ASSERT_TRUE(clone) << clone.error().message;
    expect_rounded(i, clone->id, second);
    ASSERT_TRUE(commands::extend_volume(*commands_, context_, *volume(clone->id), second + 1, false));
    expect_rounded(i, clone->id, second + 1);
    ASSERT_TRUE(commands::delete_snapshot(*commands_, context_, *snapshot(point.id), false));
    EXPECT_EQ(snapshot_after_work(point.id), "gone");
    for (const VolumeId& id : {made->id, clone->id}) {
      ASSERT_TRUE(commands::delete_volume(*commands_, context_, *volume(id), {}));
      EXPECT_EQ(status_after_work(id), "gone");
    }
  }
  EXPECT_EQ(usage().gigabytes, 0);
  EXPECT_EQ(count("SELECT SUM(allocated_bytes) FROM pool"), 0);
}

}  // namespace
}  // namespace scoria
