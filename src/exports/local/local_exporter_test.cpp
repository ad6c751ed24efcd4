#include "exports/local/local_exporter.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "exports/testing.h"

namespace scoria::exports {
namespace {

class Local : public ExportsTest {
 protected:
  void SetUp() override {
    if (::access("/dev/loop-control", R_OK | W_OK) != 0) GTEST_SKIP() << "needs /dev/loop-control";
    start();
  }

  std::string ensure(const ExportSpec& wanted) {
    const auto made = exports->ensure(call(), "local", wanted);
    EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
    return made ? text(*made, "device_path") : std::string();
  }
};

TEST_F(Local, the_device_is_the_file) {
  const auto place = raw("v1");
  const std::string device = ensure(spec("a1", place, "local"));
  ASSERT_TRUE(io(device, {"write -P 7 1M 64k", "flush"})) << said;
  EXPECT_TRUE(io(place.path, {"read -P 7 1M 64k"}, true)) << said;
}

TEST_F(Local, it_is_found_again_by_a_successor) {
  const ExportSpec wanted = spec("a1", raw("v1"), "local");
  const std::string device = ensure(wanted);
  exports->stop();
  exports.reset();
  os::remove_tree(os::open_directory(folder), "s");
  start();
  EXPECT_EQ(ensure(wanted), device);
  ASSERT_EQ(exports->list(call())->size(), 1u);
  EXPECT_EQ(exports->list(call())->front().name, "a1");
}

TEST_F(Local, two_attachments_are_two_devices_and_one_goes_without_the_other) {
  const auto place = raw("v1");
  const std::string one = ensure(spec("a1", place, "local"));
  const std::string two = ensure(spec("a2", place, "local"));
  EXPECT_NE(one, two);
  const os::Fd user = os::open_file(two, O_RDWR);
  ASSERT_TRUE(exports->remove(call(), "a1").has_value());
  EXPECT_FALSE(io(one, {"read 0 4k"}));
  EXPECT_TRUE(io(two, {"write -P 4 0 4k"})) << said;
}

TEST_F(Local, a_user_who_keeps_the_device_open_is_cut_off) {
  const auto place = raw("v1");
  const std::string device = ensure(spec("a1", place, "local"));
  const os::Fd user = os::open_file(device, O_RDWR | O_DIRECT);
  void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_EQ(::pwrite(user.get(), page, 4096, 0), 4096);
  ASSERT_TRUE(exports->remove(call(), "a1").has_value());
  EXPECT_LE(::pwrite(user.get(), page, 4096, 0), 0);
  EXPECT_TRUE(exports->list(call())->empty());
  ::munmap(page, 4096);
}

TEST_F(Local, a_read_only_device_refuses_writers) {
  ExportSpec wanted = spec("a1", raw("v1"), "local");
  wanted.read_only = true;
  const std::string device = ensure(wanted);
  EXPECT_TRUE(io(device, {"read 0 4k"}, true)) << said;
  EXPECT_FALSE(io(device, {"write -P 9 0 4k"}));
}

TEST_F(Local, a_grown_volume_is_seen_at_once) {
  ExportSpec wanted = spec("a1", raw("v1"), "local");
  const std::string device = ensure(wanted);
  raw("v1", 32 * mib);
  EXPECT_EQ(exports->grow(call(), "local", wanted).value_or(false), true);
  EXPECT_TRUE(io(device, {"write -P 1 31M 64k"})) << said;
}

TEST_F(Local, a_qcow2_is_refused_with_the_way_out) {
  const auto made = exports->ensure(call(), "local", spec("a1", qcow2("q1", "16M"), "local"));
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().kind, drivers::FailureClass::permanent);
  EXPECT_NE(made.error().message.find("nbd"), std::string::npos);
}

}  // namespace
}  // namespace scoria::exports
