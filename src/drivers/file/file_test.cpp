#include "drivers/file/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/failpoint.h"
#include "base/random.h"
#include "drivers/names.h"
#include "os/files.h"

namespace scoria::drivers::file {
namespace {

class FileDriverTest : public testing::Test {
 protected:
  FileDriverTest() {
    char name[] = "/tmp/scoria-file-XXXXXX";
    path = ::mkdtemp(name);
    driver = make_file_driver(clock, {.pools = {{.name = "one", .directory = path}}});
  }
  ~FileDriverTest() override {
    failpoint::disarm_all();
    std::filesystem::remove_all(path);
  }
  Call call() const { return {.deadline = Deadline::in(clock, 10s)}; }
  static ObjectRef ref(const std::string& name) { return {.pool = "one", .name = name}; }
  Presence presence(const std::string& name) { return driver->probe(call(), ref(name))->presence; }
  std::vector<std::string> names() { return os::names_in(os::open_directory(path)); }

  SystemClock clock;
  std::string path;
  std::unique_ptr<Driver> driver;
};

TEST_F(FileDriverTest, a_volume_is_made_found_listed_and_removed) {
  ASSERT_TRUE(driver->check(call()));
  EXPECT_EQ(presence("volume-1"), Presence::absent);
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {8 * mib}));
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {8 * mib})) << "again after a crash";
  const Probe probe = *driver->probe(call(), ref("volume-1"));
  EXPECT_EQ(probe.presence, Presence::complete);
  EXPECT_EQ(probe.size.count, 8 * mib);
  EXPECT_LT(probe.allocated.count, mib);
  EXPECT_EQ(*driver->list(call(), "one", "", 10), std::vector<std::string>{"volume-1"});
  EXPECT_TRUE(driver->list(call(), "one", "volume-1", 10)->empty());
  EXPECT_EQ(std::filesystem::file_size(driver->locate(call(), ref("volume-1"))->path), 8u * mib);
  ASSERT_TRUE(driver->remove(call(), ref("volume-1")));
  ASSERT_TRUE(driver->remove(call(), ref("volume-1")));
  EXPECT_EQ(presence("volume-1"), Presence::absent);
  EXPECT_TRUE(names().empty());
}

TEST_F(FileDriverTest, what_exists_is_never_changed_by_a_create) {
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {8 * mib}));
  EXPECT_EQ(driver->create(call(), ref("volume-1"), {16 * mib}).error().kind, FailureClass::permanent);
  EXPECT_EQ(driver->probe(call(), ref("volume-1"))->size.count, 8 * mib);
}

TEST_F(FileDriverTest, a_volume_only_grows) {
  auto& extends = dynamic_cast<Extends&>(*driver);
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {8 * mib}));
  EXPECT_TRUE(extends.extend(call(), ref("volume-1"), {16 * mib}));
  EXPECT_TRUE(extends.extend(call(), ref("volume-1"), {4 * mib}));
  EXPECT_EQ(driver->probe(call(), ref("volume-1"))->size.count, 16 * mib);
  EXPECT_EQ(extends.extend(call(), ref("volume-1"), {16 * mib + 1}).error().kind, FailureClass::permanent);
  EXPECT_EQ(extends.extend(call(), ref("volume-2"), {16 * mib}).error().kind, FailureClass::permanent);
}

TEST_F(FileDriverTest, an_open_volume_is_not_removed) {
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {8 * mib}));
  const std::string file = driver->locate(call(), ref("volume-1"))->path;
  {
    const os::Fd user = os::open_file(file, O_RDONLY);
    EXPECT_EQ(driver->remove(call(), ref("volume-1")).error().kind, FailureClass::busy);
  }
  EXPECT_EQ(driver->locate(call(), ref("volume-1"))->path, file);
  EXPECT_TRUE(driver->remove(call(), ref("volume-1")));
}

TEST_F(FileDriverTest, names_that_lead_elsewhere_are_refused) {
  for (const char* name : {"", ".", "..", "../x", "a/b", ".hidden", "a b", "x\n"})
    EXPECT_EQ(driver->create(call(), ref(name), {mib}).error().kind, FailureClass::permanent) << name;
  EXPECT_EQ(driver->create(call(), {.pool = "two", .name = "x"}, {mib}).error().kind, FailureClass::permanent);
}

TEST_F(FileDriverTest, foreign_things_are_seen_and_left_alone) {
  std::filesystem::create_symlink("/etc", path + "/link");
  std::filesystem::create_directory(path + "/folder");
  os::write_file_atomically(path + "/plain", "x");
  const auto other = make_file_driver(clock, {.deployment = "other", .pools = {{.name = "one", .directory = path}}});
  ASSERT_TRUE(other->create(call(), ref("theirs"), {mib}));
  for (const char* name : {"link", "folder", "plain", "theirs"}) {
    EXPECT_EQ(presence(name), Presence::foreign) << name;
    EXPECT_EQ(driver->create(call(), ref(name), {mib}).error().kind, FailureClass::permanent) << name;
    EXPECT_EQ(driver->remove(call(), ref(name)).error().kind, FailureClass::permanent) << name;
    EXPECT_FALSE(driver->locate(call(), ref(name))) << name;
  }
  EXPECT_TRUE(driver->list(call(), "one", "", 10)->empty());
  ASSERT_TRUE(driver->check(call()));
  EXPECT_EQ(other->probe(call(), ref("theirs"))->presence, Presence::complete);
  EXPECT_EQ(names().size(), 4u);
}

TEST_F(FileDriverTest, a_pool_that_is_away_is_a_passing_error_with_its_path) {
  const auto away = make_file_driver(clock, {.pools = {{.name = "one", .directory = path + "/none"}}});
  const DriverResult<> checked = away->check(call());
  EXPECT_EQ(checked.error().kind, FailureClass::transient);
  EXPECT_NE(checked.error().message.find(path + "/none"), std::string::npos);
}

TEST_F(FileDriverTest, one_pool_that_is_away_does_not_take_the_others_with_it) {
  const auto half = make_file_driver(clock, {.pools = {{.name = "away", .directory = path + "/none"}, {.name = "one", .directory = path}}});
  EXPECT_TRUE(half->check(call()));
  EXPECT_EQ(half->pools(call())->size(), 1u);
  EXPECT_TRUE(half->create(call(), ref("volume-1"), {mib}));
  EXPECT_EQ(half->create(call(), {.pool = "away", .name = "volume-2"}, {mib}).error().kind, FailureClass::transient);
}

TEST_F(FileDriverTest, leftovers_of_a_crash_go_at_the_next_check) {
  std::filesystem::create_directories(path + "/.new.volume-1.0123456789abcdef");
  os::write_file_atomically(path + "/.new.volume-1.0123456789abcdef/lock", "");
  ASSERT_TRUE(driver->check(call()));
  EXPECT_TRUE(names().empty());
}

TEST_F(FileDriverTest, the_report_tells_capacity_and_what_was_given_out) {
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {8 * mib}));
  ASSERT_TRUE(driver->create(call(), ref("volume-2"), {2 * mib}));
  const PoolReport report = driver->pools(call())->front();
  EXPECT_EQ(report.provisioned->count, 10 * mib);
  EXPECT_GT(report.total->count, report.free->count);
}

TEST(Sizes, the_effective_size_holds_the_request_and_is_whole_units_for_any_unit) {
  SeededRandom random(7);
  for (const std::int64_t unit : {mib, gib, 8 * gib, std::int64_t{10'000'000'000}, std::int64_t{1000}}) {
    const PoolReport pool{.allocation_unit = {unit}, .minimum_size = {3 * unit}};
    const std::int64_t step = sector_multiple({unit}).count;
    for (int i = 0; i < 1000; ++i) {
      const Bytes request{static_cast<std::int64_t>(random.below(std::uint64_t{1} << 46))};
      const Bytes size = effective_size(request, pool);
      ASSERT_GE(size, request);
      ASSERT_GE(size, pool.minimum_size);
      ASSERT_EQ(size.count % step, 0);
      ASSERT_EQ(size.count % 512, 0);
      ASSERT_LT(size.count - std::max(request, pool.minimum_size).count, step);
      ASSERT_EQ(effective_size(size, pool), size);
    }
  }
}

}  // namespace
}  // namespace scoria::drivers::file
