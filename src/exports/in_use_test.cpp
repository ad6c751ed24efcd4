#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "drivers/file/file.h"
#include "drivers/file/pool_image.h"
#include "exports/iscsi/tgt_control.h"
#include "exports/testing.h"

/// The file driver and the exports together: what happens to a volume while a client writes to it.
namespace scoria::exports {
namespace {

constexpr int blocks = 16;  // of 64 KiB

class InUse : public ExportsTest {
 protected:
  InUse() {
    options.iscsi_port = 28000 + ::getpid() % 2000;
    start();
    ::mkdir((folder + "/pool").c_str(), 0700);
    driver = drivers::file::make_file_driver(clock, {.pools = {{.name = "p", .directory = folder + "/pool"}}, .allow_reflink = false, .live = exports.get()});
    EXPECT_TRUE(driver->create(call(), ref("volume-1"), {4 * mib}));
  }
  static drivers::ObjectRef ref(const std::string& name) { return {.pool = "p", .name = name}; }
  template <class Ability>
  Ability& as() {
    return dynamic_cast<Ability&>(*driver);
  }
  std::string attach() {
    const auto made = exports->ensure(call(), "nbd", spec("a1", *driver->locate(call(), ref("volume-1")), "nbd+unix"));
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
    return made ? text(*made, "uri") : std::string();
  }
  /// The byte each block is filled with, -1 for several.
  std::vector<int> values(const std::string& name) {
    const drivers::Location at = *driver->locate(call(), ref(name));
    const os::Finished copied =
        os::run(clock, {.arguments = {"qemu-img", "convert", "-U", "-f", at.format, "-O", "raw", at.path, folder + "/copy"}}, Deadline::in(clock, 20s));
    EXPECT_TRUE(copied.ok()) << copied.errors;
    const os::Fd file = os::open_file(folder + "/copy", O_RDONLY);
    std::vector<int> out;
    std::string data(65536, 0);
    for (int block = 0; block < blocks; ++block) {
      os::read_at(file, block * 65536, data.data(), data.size());
      out.push_back(data.find_first_not_of(data.front()) == std::string::npos ? static_cast<unsigned char>(data.front()) : -1);
    }
    os::read_at(file, 3 * mib, data.data(), data.size());
    mark = static_cast<unsigned char>(data.front());
    return out;
  }

  void snapshots_are_moments(int layers);

  std::unique_ptr<drivers::Driver> driver;
  int mark = 0;  // of what values() read
};

/// One client rewrites all blocks in order, one write after the other, so what it wrote at any moment is [n n n n-1 n-1 ...].
/// Between two snapshots another client writes a mark.
void InUse::snapshots_are_moments(int layers) {
  const std::string uri = attach();
  constexpr int rounds = 14, snapshots = 6;
  std::string script;
  for (int value = 1; value <= rounds; ++value)
    for (int block = 0; block < blocks; ++block) script += fmt::format("write -P {} {}k 64k\n", value, 64 * block);
  Signal ended;
  os::Finished client;
  clock.spawn("client", [&] {
    client = os::run(clock, {.arguments = {"qemu-io", "-f", "raw", "-t", "none", uri}, .input = script}, Deadline::in(clock, 60s));
    ended.raise();
  });
  int number = 0;
  for (; number < snapshots; ++number) {
    EXPECT_TRUE(io(uri, {fmt::format("write -P {} 3M 64k", number + 1)})) << said;
    const auto taken = as<drivers::Snapshots>().snapshot(call(), ref("volume-1"), ref(fmt::format("snapshot-{}", number)));
    EXPECT_TRUE(taken) << taken.error().message;
    if (!taken) break;
    if (number % 3 == 2) {
      const auto flat = as<drivers::Flattens>().flatten(call(), ref("volume-1"));
      EXPECT_TRUE(flat) << flat.error().message;
      EXPECT_EQ(driver->probe(call(), ref("volume-1"))->layers, layers);
    }
  }
  EXPECT_TRUE(clock.wait(ended, 60s));
  EXPECT_TRUE(client.ok()) << client.errors;
  EXPECT_EQ(client.output.find("failed"), std::string::npos) << "a client noticed";
  ASSERT_TRUE(exports->remove(call(), "a1"));
  EXPECT_EQ(values("volume-1"), std::vector<int>(blocks, rounds)) << "an acknowledged write was lost";
  for (int i = 0; i < number; ++i) {
    const std::vector<int> then = values(fmt::format("snapshot-{}", i));
    EXPECT_TRUE(std::is_sorted(then.rbegin(), then.rend())) << "snapshot " << i << " has a write without the one before it: " << ::testing::PrintToString(then);
    EXPECT_LE(then.front() - then.back(), 1) << "snapshot " << i;
    EXPECT_GE(then.back(), 0);
    EXPECT_EQ(mark, i + 1) << "what was acknowledged before the snapshot, and nothing of later";
  }
}

TEST_F(InUse, snapshots_under_writes_are_moments_and_flattening_loses_nothing) { snapshots_are_moments(3); }

/// On a file system that shares blocks: nothing moves, the kernel keeps writers out while it shares.
class InUseShared : public InUse {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 || ::access("/dev/loop-control", R_OK | W_OK) != 0 || !os::find_program("mkfs.xfs")) GTEST_SKIP() << "needs root, loop devices and mkfs.xfs";
    pool_ = folder + "/shared";
    const auto made = drivers::file::make_pool_image(clock, call(), pool_, {400 * mib});
    ASSERT_TRUE(made) << made.error().message;
    driver = drivers::file::make_file_driver(clock, {.pools = {{.name = "p", .directory = pool_}}, .live = exports.get()});
    ASSERT_TRUE(driver->create(call(), ref("volume-1"), {4 * mib}));
  }
  void TearDown() override {
    driver.reset();
    if (!pool_.empty()) ::umount2(pool_.c_str(), MNT_DETACH);
  }
  std::string pool_;
};

TEST_F(InUseShared, snapshots_under_writes_are_moments) { snapshots_are_moments(1); }

TEST_F(InUse, a_snapshot_under_a_protocol_that_cannot_follow_is_refused_at_once_with_the_way_out) {
  ExportSpec wanted = spec("a1", *driver->locate(call(), ref("volume-1")), "iscsi");
  const TgtControl control(clock, options.state_directory + "/iscsi/control.1");
  wanted.connector.initiator = "iqn.2024-01.test:client";
  wanted.chap_user = "user", wanted.chap_secret = "secretpassword1";
  for (const std::string protocol : {"iscsi", "local"}) {
    if (protocol == "local" && ::access("/dev/loop-control", R_OK | W_OK) != 0) continue;
    wanted.name = "over-" + protocol;
    const auto made = exports->ensure(call(), protocol, wanted);
    ASSERT_TRUE(made) << made.error().message;
    const auto taken = as<drivers::Snapshots>().snapshot(call(), ref("volume-1"), ref("snapshot-1"));
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().kind, drivers::FailureClass::permanent);
    EXPECT_NE(taken.error().message.find(protocol), std::string::npos) << taken.error().message;
    EXPECT_NE(taken.error().message.find("nbd"), std::string::npos) << taken.error().message;
    ASSERT_TRUE(exports->remove(call(), wanted.name));
  }
  EXPECT_TRUE(as<drivers::Snapshots>().snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  exports->stop();
  if (const auto daemon = control.daemon()) os::send_signal(*daemon, SIGKILL), os::wait_gone(clock, *daemon, Deadline::in(clock, 5s));
}

TEST_F(InUse, an_overlay_in_use_grows_and_a_removed_volume_is_not_open) {
  const std::string uri = attach();
  ASSERT_TRUE(io(uri, {"write -P 5 0 64k"})) << said;
  ASSERT_TRUE(as<drivers::Snapshots>().snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  const auto grown = as<drivers::Extends>().extend(call(), ref("volume-1"), {8 * mib});
  ASSERT_TRUE(grown) << grown.error().message;
  EXPECT_TRUE(io(uri, {"read -P 5 0 64k", "write -P 6 7M 64k"})) << said;
  EXPECT_EQ(driver->remove(call(), ref("volume-1")).error().kind, drivers::FailureClass::busy);
  EXPECT_TRUE(io(uri, {"read -P 6 7M 64k"})) << said;
  ASSERT_TRUE(exports->remove(call(), "a1"));
  EXPECT_TRUE(driver->remove(call(), ref("volume-1")));
}

}  // namespace
}  // namespace scoria::exports
