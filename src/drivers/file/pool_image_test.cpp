#include "drivers/file/pool_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "drivers/file/file.h"
#include "os/extents.h"
#include "os/files.h"
#include "os/loop.h"
#include "os/process.h"

namespace scoria::drivers::file {
namespace {

SystemClock clock_;

Call call() { return {.deadline = Deadline::in(clock_, 20s)}; }
ObjectRef ref(const std::string& name) { return {.pool = "one", .name = name}; }

/// An xfs pool of its own.
class PoolImage : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || ::access("/dev/loop-control", R_OK | W_OK) != 0 || !os::find_program("mkfs.xfs")) GTEST_SKIP() << "needs root, loop devices and mkfs.xfs";
    char name[] = "/tmp/scoria-image-XXXXXX";
    base = ::mkdtemp(name);
    pool = base + "/pool";
    const DriverResult<> made = make_pool_image(clock_, call(), pool, {400 * mib});
    ASSERT_TRUE(made) << made.error().message;
  }
  void TearDown() override {
    if (base.empty()) return;
    ::umount2(pool.c_str(), MNT_DETACH);
    std::filesystem::remove_all(base);
  }
  std::unique_ptr<Driver> make(FileOptions options = {}) {
    options.pools = {{.name = "one", .directory = pool}};
    return make_file_driver(clock_, options);
  }

  std::string base, pool;
};

TEST_F(PoolImage, a_pool_is_made_once_and_mounted_again) {
  EXPECT_EQ(advice(pool), "");
  os::write_file_atomically(pool + "/kept", "x");
  ASSERT_TRUE(make_pool_image(clock_, call(), pool, {400 * mib})) << "again";
  EXPECT_FALSE(needs_mount(pool));
  ASSERT_EQ(::umount2(pool.c_str(), 0), 0);
  EXPECT_TRUE(os::loops_on(os::open_file(pool + ".xfs", O_RDONLY)).empty()) << "the device goes with the mount";
  EXPECT_TRUE(needs_mount(pool));
  ASSERT_TRUE(mount_pool_image(pool));
  EXPECT_EQ(os::read_file(pool + "/kept"), "x");
}

TEST_F(PoolImage, what_is_there_is_never_overwritten) {
  std::filesystem::create_directory(base + "/full");
  os::write_file_atomically(base + "/full/file", "x");
  EXPECT_EQ(make_pool_image(clock_, call(), base + "/full", {400 * mib}).error().kind, FailureClass::permanent);
  os::write_file_atomically(base + "/other.xfs", "something else");
  EXPECT_EQ(make_pool_image(clock_, call(), base + "/other", {400 * mib}).error().kind, FailureClass::permanent);
  EXPECT_EQ(os::read_file(base + "/other.xfs"), "something else");
  EXPECT_EQ(make_pool_image(clock_, call(), base + "/small", {mib}).error().kind, FailureClass::permanent);
}

TEST_F(PoolImage, blocks_are_shared_until_a_volume_is_in_too_many_pieces) {
  EXPECT_EQ(FileOptions{}.reflink_extent_limit, 20'000u);
  const auto driver = make({.reflink_extent_limit = 10});
  auto& snapshots = dynamic_cast<Snapshots&>(*driver);
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {8 * mib}));
  const std::string path = driver->locate(call(), ref("volume-1"))->path;
  const std::string block(65536, 'x');
  {
    const os::Fd file = os::open_file(path, O_RDWR);
    os::write_at(file, 0, block.data(), block.size());
  }
  ASSERT_TRUE(snapshots.snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  EXPECT_EQ(driver->locate(call(), ref("volume-1"))->path, path);
  EXPECT_EQ(driver->locate(call(), ref("snapshot-1"))->format, "raw");
  {
    const os::Fd file = os::open_file(path, O_RDWR);
    for (int i = 0; i < 40; ++i) os::write_at(file, i * 2 * 65536, block.data(), block.size());
    os::sync(file);
    EXPECT_GT(os::count_extents(file).value_or(0), 10u);
    // In use by somebody who cannot follow: sharing many blocks is slow, refusing would be worse.
    ASSERT_TRUE(snapshots.snapshot(call(), ref("volume-1"), ref("snapshot-2")));
    EXPECT_EQ(driver->locate(call(), ref("volume-1"))->path, path);
  }
  ASSERT_TRUE(snapshots.snapshot(call(), ref("volume-1"), ref("snapshot-3")));
  EXPECT_EQ(driver->locate(call(), ref("volume-1"))->format, "qcow2");
  EXPECT_EQ(driver->probe(call(), ref("volume-1"))->layers, 2);
}

TEST_F(PoolImage, a_read_only_file_system_is_told_and_mends_without_restart) {
  const auto driver = make();
  ASSERT_TRUE(driver->check(call()));
  ASSERT_TRUE(driver->create(call(), ref("volume-1"), {mib}));
  ASSERT_EQ(::mount("", pool.c_str(), "", MS_REMOUNT | MS_RDONLY, ""), 0);
  const DriverResult<> checked = driver->check(call());
  EXPECT_EQ(checked.error().kind, FailureClass::permanent);
  EXPECT_NE(checked.error().message.find(pool), std::string::npos) << checked.error().message;
  EXPECT_EQ(driver->create(call(), ref("volume-2"), {mib}).error().kind, FailureClass::permanent);
  EXPECT_EQ(driver->remove(call(), ref("volume-1")).error().kind, FailureClass::permanent);
  EXPECT_EQ(driver->probe(call(), ref("volume-1"))->presence, Presence::complete);
  ASSERT_EQ(::mount("", pool.c_str(), "", MS_REMOUNT, ""), 0);
  EXPECT_TRUE(driver->create(call(), ref("volume-2"), {mib}));
}

TEST(Advice, a_file_system_that_cannot_share_blocks_is_told_with_the_command_that_helps) {
  char name[] = "/tmp/scoria-advice-XXXXXX";
  const std::string directory = ::mkdtemp(name);
  const std::string text = advice(directory);
  const bool shares = make_file_driver(clock_, {.pools = {{.name = "one", .directory = directory}}})->pools(call())->front().extra.front().second == "True";
  EXPECT_EQ(text.empty(), shares);
  if (!shares) {
    EXPECT_NE(text.find("scoria admin pool create"), std::string::npos);
    EXPECT_EQ(text.find('\n'), std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::is_empty(directory));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace scoria::drivers::file
