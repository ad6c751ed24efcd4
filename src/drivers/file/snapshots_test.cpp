#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/failpoint.h"
#include "drivers/file/file.h"
#include "os/files.h"
#include "os/process.h"

namespace scoria::drivers::file {
namespace {

SystemClock system_clock;

/// Stands for the exports: whoever was told of `from` follows to `to`, or cannot.
class FakeLive final : public LiveUse {
 public:
  DriverResult<bool> redirect(const Call&, const Location& from, const Location& to) override {
    ++redirects;
    if (refuses) return tl::unexpected<DriverError>({FailureClass::busy, "iscsi cannot follow"});
    if (open_at == to.path) return true;
    if (open_at != from.path) return false;
    open_at = to.path;
    return true;
  }
  DriverResult<> movable(const Location&) override {
    if (cannot_follow) return tl::unexpected<DriverError>({FailureClass::permanent, "iscsi cannot follow"});
    return {};
  }
  bool serves(const Location& at) override { return open_at == at.path; }
  DriverResult<> rebase(const Call&, const Location& at, const Location& base) override {
    if (open_at == at.path) based_on = base.path;
    return {};
  }
  DriverResult<bool> resize(const Call&, const Location& at, Bytes) override { return open_at == at.path; }

  std::string open_at, based_on;
  bool refuses = false, cannot_follow = false;
  int redirects = 0;
};

/// A file system that cannot share blocks.
class Overlays : public testing::Test {
 protected:
  Overlays() {
    char name[] = "/tmp/scoria-file-XXXXXX";
    path = ::mkdtemp(name);
    std::filesystem::create_directory(path + "/1");
    std::filesystem::create_directory(path + "/2");
    build({});
    EXPECT_TRUE(driver->create(call(), ref("volume-1"), {4 * mib}));
  }
  ~Overlays() override {
    failpoint::disarm_all();
    std::filesystem::remove_all(path);
  }
  void build(FileOptions options) {
    options.pools = {{.name = "one", .directory = path + "/1"}, {.name = "two", .directory = path + "/2"}};
    options.allow_reflink = false;
    driver = make_file_driver(system_clock, options);
  }
  static Call call() { return {.deadline = Deadline::in(system_clock, 20s)}; }
  static ObjectRef ref(const std::string& name, const std::string& pool = "one") { return {.pool = pool, .name = name}; }
  template <class Ability>
  Ability& as() {
    return dynamic_cast<Ability&>(*driver);
  }
  Snapshots& snapshots() { return as<Snapshots>(); }
  bool io(const ObjectRef& object, const std::string& command) {
    const Location at = *driver->locate(call(), object);
    const os::Finished done = os::run(system_clock, {.arguments = {"qemu-io", "-f", at.format, "-c", command, at.path}}, Deadline::in(system_clock, 20s));
    return done.ok() && done.output.find("failed") == std::string::npos;
  }
  void write(const std::string& name, int pattern, const std::string& range = "0 1M") { EXPECT_TRUE(io(ref(name), fmt::format("write -P {} {}", pattern, range))); }
  bool holds(const ObjectRef& object, int pattern, const std::string& range = "0 1M") { return io(object, fmt::format("read -P {} {}", pattern, range)); }
  bool holds(const std::string& name, int pattern, const std::string& range = "0 1M") { return holds(ref(name), pattern, range); }
  Probe probe(const std::string& name) { return *driver->probe(call(), ref(name)); }

  std::string path;
  FakeLive live;
  std::unique_ptr<Driver> driver;
};

TEST_F(Overlays, a_snapshot_keeps_the_bytes_of_its_moment) {
  write("volume-1", 1);
  ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1"))) << "again after a crash";
  write("volume-1", 2);
  EXPECT_TRUE(holds("snapshot-1", 1));
  EXPECT_TRUE(holds("volume-1", 2));
  EXPECT_EQ(probe("volume-1").layers, 2);
  EXPECT_TRUE(driver->locate(call(), ref("volume-1"))->write_through);
}

TEST_F(Overlays, a_clone_is_writable_larger_and_outlives_what_it_came_from) {
  write("volume-1", 1);
  ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  ASSERT_TRUE(snapshots().clone(call(), ref("snapshot-1"), ref("volume-2"), {8 * mib}));
  ASSERT_TRUE(snapshots().clone(call(), ref("snapshot-1"), ref("volume-2"), {8 * mib})) << "again after a crash";
  EXPECT_EQ(probe("volume-2").size.count, 8 * mib);
  write("volume-2", 3, "1M 1M");
  ASSERT_TRUE(driver->remove(call(), ref("snapshot-1")));
  ASSERT_TRUE(driver->remove(call(), ref("volume-1")));
  EXPECT_TRUE(holds("volume-2", 1));
  EXPECT_TRUE(holds("volume-2", 3, "1M 1M"));
  EXPECT_TRUE(holds("volume-2", 0, "2M 6M"));
  ASSERT_TRUE(driver->remove(call(), ref("volume-2")));
  EXPECT_TRUE(std::filesystem::is_empty(path + "/1"));
}

TEST_F(Overlays, a_clone_of_a_volume_is_of_this_moment) {
  write("volume-1", 1);
  ASSERT_TRUE(snapshots().clone(call(), ref("volume-1"), ref("volume-2"), {4 * mib}));
  write("volume-1", 2);
  write("volume-2", 3, "1M 1M");
  EXPECT_TRUE(holds("volume-2", 1));
  EXPECT_TRUE(holds("volume-1", 2));
  EXPECT_TRUE(holds("volume-1", 0, "1M 1M"));
}

TEST_F(Overlays, an_overlay_grows) {
  write("volume-1", 1);
  ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  ASSERT_TRUE(as<Extends>().extend(call(), ref("volume-1"), {16 * mib}));
  EXPECT_EQ(probe("volume-1").size.count, 16 * mib);
  EXPECT_EQ(probe("snapshot-1").size.count, 4 * mib);
  write("volume-1", 4, "15M 1M");
  EXPECT_TRUE(holds("volume-1", 1));
  EXPECT_EQ(as<Extends>().extend(call(), ref("snapshot-1"), {16 * mib}).error().kind, FailureClass::permanent);
}

TEST_F(Overlays, flattening_frees_a_volume_from_its_chain) {
  write("volume-1", 1);
  ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  write("volume-1", 2, "2M 1M");
  ASSERT_TRUE(as<Flattens>().flatten(call(), ref("volume-1")));
  ASSERT_TRUE(as<Flattens>().flatten(call(), ref("volume-1"))) << "again";
  EXPECT_EQ(probe("volume-1").layers, 1);
  EXPECT_EQ(driver->locate(call(), ref("volume-1"))->format, "raw");
  EXPECT_TRUE(holds("volume-1", 1));
  EXPECT_TRUE(holds("volume-1", 2, "2M 1M"));
  EXPECT_TRUE(holds("snapshot-1", 0, "2M 1M"));
  EXPECT_EQ(os::names_in(os::open_directory(path + "/1/volume-1")).size(), 4u) << "object, lock, flattening and one raw file";
}

TEST_F(Overlays, chains_stay_bounded) {
  build({.layer_limit = 1});
  constexpr int count = 3;
  for (int i = 0; i < count; ++i) {
    write("volume-1", i + 1, fmt::format("{}k 64k", 64 * i));
    ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref(fmt::format("snapshot-{}", i))));
    EXPECT_LE(probe("volume-1").layers, 3);
  }
  EXPECT_TRUE(probe("volume-1").wants_flatten);
  for (int i = 0; i < count; ++i) {
    EXPECT_TRUE(holds("volume-1", i + 1, fmt::format("{}k 64k", 64 * i)));
    EXPECT_TRUE(holds(fmt::format("snapshot-{}", i), i + 1, fmt::format("{}k 64k", 64 * i)));
    EXPECT_TRUE(holds(fmt::format("snapshot-{}", i), 0, fmt::format("{}k 64k", 64 * (i + 1))));
  }
}

TEST_F(Overlays, changed_blocks_are_exact) {
  write("volume-1", 1);
  ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  write("volume-1", 2, "128k 64k");
  write("volume-1", 3, "3M 192k");
  EXPECT_TRUE(io(ref("volume-1"), "write -z 512k 64k"));
  ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-2")));
  const auto changes = *as<ChangedBlocks>().changed(call(), ref("snapshot-1"), ref("snapshot-2"));
  std::string text;
  for (const Extent& extent : changes) text += fmt::format("{}+{}{} ", extent.offset.count / kib, extent.length.count / kib, extent.zero ? "z" : "");
  EXPECT_EQ(text, "128+64 512+64z 3072+192 ");
  const auto all = *as<ChangedBlocks>().changed(call(), {}, ref("snapshot-1"));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all.front().length.count, mib);
}

TEST_F(Overlays, a_copy_between_pools_is_stopped_and_goes_on) {
  write("volume-1", 1);
  write("volume-1", 2, "3M 1M");
  failpoint::arm("driver.file.copy.chunk", "1*return(cut)");
  EXPECT_EQ(snapshots().clone(call(), ref("volume-1"), ref("volume-2", "two"), {4 * mib}).error().kind, FailureClass::transient);
  failpoint::disarm_all();
  EXPECT_EQ(driver->probe(call(), ref("volume-2", "two"))->presence, Presence::partial);
  write("volume-1", 9);  // after the moment of the clone
  Bytes reported;
  Call second = call();
  second.progress = [&](Bytes done, Bytes) { reported = done; };
  ASSERT_TRUE(snapshots().clone(second, ref("volume-1"), ref("volume-2", "two"), {4 * mib}));
  EXPECT_EQ(reported.count, 4 * mib);
  EXPECT_TRUE(holds(ref("volume-2", "two"), 1));
  EXPECT_TRUE(holds(ref("volume-2", "two"), 2, "3M 1M"));
  EXPECT_EQ(os::names_in(os::open_directory(path + "/1")), std::vector<std::string>{"volume-1"}) << "the hidden source is gone";
}

TEST_F(Overlays, removing_a_half_made_copy_leaves_nothing) {
  write("volume-1", 1);
  failpoint::arm("driver.file.copy.chunk", "1*return(cut)");
  EXPECT_FALSE(snapshots().clone(call(), ref("volume-1"), ref("volume-2", "two"), {4 * mib}));
  failpoint::disarm_all();
  ASSERT_TRUE(driver->remove(call(), ref("volume-2", "two")));
  EXPECT_EQ(os::names_in(os::open_directory(path + "/1")), std::vector<std::string>{"volume-1"});
  EXPECT_TRUE(std::filesystem::is_empty(path + "/2"));
}

TEST_F(Overlays, a_volume_in_use_follows_its_snapshot) {
  build({.live = &live});
  live.open_at = driver->locate(call(), ref("volume-1"))->path;
  const os::Fd user = os::open_file(live.open_at, O_RDWR);
  ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  EXPECT_EQ(live.open_at, driver->locate(call(), ref("volume-1"))->path);
}

TEST_F(Overlays, flattening_in_use_keeps_the_head_and_merges_all_below) {
  build({.live = &live});
  for (int i = 0; i < 4; ++i) {
    write("volume-1", i + 1, fmt::format("{}k 64k", 64 * i));
    ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref(fmt::format("snapshot-{}", i))));
  }
  write("volume-1", 9, "1M 64k");
  ASSERT_EQ(probe("volume-1").layers, 5);
  const std::string head = driver->locate(call(), ref("volume-1"))->path;
  live.open_at = head;
  int number = 0;
  // A crash at each of its steps is finished by who comes next; each time it has work again.
  for (const char* site : {"driver.file.merge.noted", "driver.file.merge.renamed", ""}) {
    if (*site != 0) failpoint::arm(site, "1*return(crash)");
    EXPECT_EQ(as<Flattens>().flatten(call(), ref("volume-1")).has_value(), *site == 0) << site;
    failpoint::disarm_all();
    ASSERT_TRUE(as<ChangedBlocks>().changed(call(), ref("snapshot-3"), ref("volume-1"))) << site;
    ASSERT_TRUE(as<Flattens>().flatten(call(), ref("volume-1"))) << site;
    EXPECT_EQ(probe("volume-1").layers, 3) << site;
    EXPECT_EQ(os::names_in(os::open_directory(path + "/1/volume-1")).size(), 6u) << "object, lock, flattening and three layers " << site;
    const auto changes = *as<ChangedBlocks>().changed(call(), ref("snapshot-3"), ref("volume-1"));
    EXPECT_TRUE(holds("volume-1", 1, "0 64k") && holds("volume-1", 4, "192k 64k")) << site;
    EXPECT_TRUE(holds("volume-1", 9, "1M 64k"));
    live.open_at = driver->locate(call(), ref("volume-1"))->path;
    for (int more = 0; more < 2; ++more) ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref(fmt::format("more-{}", ++number)))) << site;
  }
  EXPECT_TRUE(holds("snapshot-3", 4, "192k 64k"));
  EXPECT_TRUE(holds("snapshot-0", 0, "64k 64k"));
  EXPECT_TRUE(holds(fmt::format("more-{}", number), 9, "1M 64k"));
}

TEST_F(Overlays, a_writer_who_cannot_follow_keeps_its_volume) {
  write("volume-1", 1);
  const std::string before = driver->locate(call(), ref("volume-1"))->path;
  {
    const os::Fd user = os::open_file(before, O_RDWR);
    EXPECT_EQ(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1")).error().kind, FailureClass::busy);
    build({.live = &live});
    live.refuses = true;
    EXPECT_EQ(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1")).error().message, "iscsi cannot follow");
  }
  EXPECT_EQ(driver->locate(call(), ref("volume-1"))->path, before);
  EXPECT_EQ(probe("volume-1").layers, 1);
  EXPECT_EQ(probe("snapshot-1").presence, Presence::absent);
  live.refuses = false;
  live.cannot_follow = true;
  EXPECT_EQ(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1")).error().kind, FailureClass::permanent) << "nobody waits for what will not be";
  EXPECT_EQ(snapshots().clone(call(), ref("volume-1"), ref("clone-1"), {4 * mib}).error().kind, FailureClass::permanent);
  live.cannot_follow = false;
  ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref("snapshot-1")));
  EXPECT_TRUE(holds("volume-1", 1));
}

TEST_F(Overlays, a_crash_in_a_snapshot_is_finished_by_the_next_call) {
  build({.layer_limit = 20});
  write("volume-1", 1);
  int number = 0;
  // Every site is visited by the conformance kit; these are the ones where the volume has no head for a moment.
  for (const char* site : {"driver.file.freeze.renamed", "driver.file.freeze.described", "driver.file.publish.renamed"}) {
    const std::string name = fmt::format("snapshot-{}", ++number);
    failpoint::arm(site, "1*return(crash)");
    EXPECT_FALSE(snapshots().snapshot(call(), ref("volume-1"), ref(name))) << site;
    EXPECT_EQ(failpoint::hits(site), 1u) << site;
    failpoint::disarm_all();
    EXPECT_TRUE(driver->locate(call(), ref("volume-1"))) << site;
    ASSERT_TRUE(snapshots().snapshot(call(), ref("volume-1"), ref(name))) << site;
    EXPECT_TRUE(holds(name, 1)) << site;
  }
  ASSERT_TRUE(driver->check(call()));
  EXPECT_EQ(os::names_in(os::open_directory(path + "/1")).size(), 1u + static_cast<std::size_t>(number));
}

TEST_F(Overlays, one_holder_of_an_object) {
  auto& holds_ = as<Holds>();
  DriverResult<std::shared_ptr<void>> first = holds_.hold(call(), ref("volume-1"));
  ASSERT_TRUE(first);
  EXPECT_EQ(holds_.hold(call(), ref("volume-1")).error().kind, FailureClass::busy);
  first->reset();
  EXPECT_TRUE(holds_.hold(call(), ref("volume-1")));
}

}  // namespace
}  // namespace scoria::drivers::file
