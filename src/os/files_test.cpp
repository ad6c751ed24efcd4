#include "os/files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "os/extents.h"
#include "os/loop.h"

namespace scoria::os {
namespace {

class Files : public testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/scoria-os-XXXXXX";
    path = ::mkdtemp(name);
    directory = open_directory(path);
  }
  ~Files() override { std::filesystem::remove_all(path); }
  Fd make(const std::string& name, std::int64_t size = 0) {
    Fd fd = open_at(directory, name, O_RDWR | O_CREAT | O_EXCL);
    EXPECT_EQ(::ftruncate(fd.get(), size), 0);
    return fd;
  }
  std::string path;
  Fd directory;
};

TEST_F(Files, atomic_write_replaces_and_leaves_no_temporary) {
  write_atomically(directory, "a", "one");
  write_file_atomically(path + "/a", "two");
  EXPECT_EQ(read_file(path + "/a"), "two");
  EXPECT_EQ(names_in(directory), std::vector<std::string>{"a"});
}

TEST_F(Files, what_is_absent_is_a_value_and_what_fails_names_the_path) {
  EXPECT_FALSE(open_if_there(path + "/none", O_RDONLY));
  EXPECT_FALSE(status_at(directory, "none"));
  try {
    open_file(path + "/none", O_RDONLY);
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string_view(error.what()).find(path + "/none"), std::string_view::npos);
  }
}

TEST_F(Files, a_link_is_never_followed_below_a_directory) {
  ASSERT_EQ(::symlink("/etc/passwd", (path + "/link").c_str()), 0);
  EXPECT_THROW(open_at(directory, "link", O_RDONLY), std::system_error);
  EXPECT_TRUE(S_ISLNK(status_at(directory, "link")->st_mode));
  remove_tree(directory, "link");
  EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
}

TEST_F(Files, rename_and_link_are_exclusive) {
  make("a");
  make("b");
  EXPECT_FALSE(rename_new(directory, "a", directory, "b"));
  EXPECT_FALSE(link_file(directory, "a", directory, "b"));
  const Fd unnamed = open_unnamed(directory, O_RDWR);
  EXPECT_FALSE(link_unnamed(unnamed, directory, "b"));
  EXPECT_TRUE(link_unnamed(unnamed, directory, "c"));
  EXPECT_TRUE(rename_new(directory, "a", directory, "d"));
  EXPECT_EQ(names_in(directory), (std::vector<std::string>{"b", "c", "d"}));
}

TEST_F(Files, trees_go_with_what_is_below) {
  std::filesystem::create_directories(path + "/x/y/z");
  write_file_atomically(path + "/x/y/f", "1");
  remove_tree(directory, "x");
  remove_tree(directory, "x");
  EXPECT_TRUE(names_in(directory).empty());
}

TEST_F(Files, one_holder_of_a_lock_and_it_goes_with_the_descriptor) {
  const Fd first = make("a");
  Fd second = open_at(directory, "a", O_RDWR);
  EXPECT_TRUE(try_lock(first));
  EXPECT_TRUE(try_lock(first));
  EXPECT_FALSE(try_lock(second));
  EXPECT_TRUE(locked_by_others(second));
  EXPECT_FALSE(locked_by_others(first));
  unlock(first);
  EXPECT_TRUE(try_lock(second));
  second.reset();
  EXPECT_TRUE(try_lock(first));
}

TEST_F(Files, an_open_file_is_seen_as_open) {
  {
    const Fd reader = make("a");
    EXPECT_TRUE(open_elsewhere(path + "/a"));
  }
  EXPECT_FALSE(open_elsewhere(path + "/a"));
  const Fd reader = open_at(directory, "a", O_RDONLY);
  EXPECT_TRUE(open_elsewhere(path + "/a"));
  EXPECT_FALSE(written_elsewhere(path + "/a"));
  const Fd writer = open_at(directory, "a", O_WRONLY);
  EXPECT_TRUE(written_elsewhere(path + "/a"));
}

TEST_F(Files, data_holes_and_extents) {
  const Fd fd = make("a", 1 << 20);
  EXPECT_FALSE(next_data(fd, 0));
  const std::string block(65536, 'x');
  write_at(fd, 131072, block.data(), block.size());
  const std::optional<Range> data = next_data(fd, 0);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->offset, 131072);
  EXPECT_EQ(data->length, 65536);
  EXPECT_FALSE(next_data(fd, 131072 + 65536));
  const std::vector<MappedExtent> extents = extents_of(fd);
  ASSERT_FALSE(extents.empty());
  EXPECT_EQ(extents.front().logical, 131072u);
  EXPECT_TRUE(extents.front().exact);
  EXPECT_GE(count_extents(fd).value_or(0), 1u);
  punch_hole(fd, 131072, 65536);
  EXPECT_FALSE(next_data(fd, 0));
  EXPECT_EQ(status_of(fd).st_size, 1 << 20);
  const Capacity capacity = capacity_of(fd);
  EXPECT_GT(capacity.total, capacity.free);
}

TEST_F(Files, a_loop_device_shows_the_file_grows_and_goes) {
  if (::access("/dev/loop-control", R_OK | W_OK) != 0) GTEST_SKIP() << "no loop devices here";
  const Fd fd = make("a", 4 << 20);
  const LoopDevice device = attach_loop(fd, {});
  EXPECT_FALSE(device.read_only);
  const std::vector<LoopDevice> found = loops_on(fd);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front().path, device.path);
  EXPECT_TRUE(open_elsewhere(path + "/a"));
  const std::string data(4096, 'q');
  {
    const Fd block = open_file(device.path, O_RDWR | O_DSYNC);
    write_at(block, 8192, data.data(), data.size());
    ASSERT_EQ(::ftruncate(fd.get(), 8 << 20), 0);
    resize_loop(device.path);
    EXPECT_EQ(::lseek(block.get(), 0, SEEK_END), 8 << 20);
    EXPECT_FALSE(detach_loop(device.path));  // still open: goes with the last close
  }
  EXPECT_TRUE(detach_loop(device.path));
  EXPECT_TRUE(loops_on(fd).empty());
  std::string read(4096, 0);
  EXPECT_EQ(read_at(fd, 8192, read.data(), read.size()), 4096u);
  EXPECT_EQ(read, data);
}

TEST_F(Files, a_read_only_loop_device_refuses_writes) {
  if (::access("/dev/loop-control", R_OK | W_OK) != 0) GTEST_SKIP() << "no loop devices here";
  const Fd fd = make("a", 1 << 20);
  const LoopDevice device = attach_loop(fd, {.read_only = true});
  EXPECT_TRUE(device.read_only);
  EXPECT_THROW(
      {
        const Fd block = open_file(device.path, O_RDWR);
        write_at(block, 0, "x", 1);
        sync(block);
      },
      std::system_error);
  EXPECT_TRUE(detach_loop(device.path));
}

}  // namespace
}  // namespace scoria::os
