#include "drivers/file/pool_image.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

#include "drivers/errors.h"
#include "drivers/file/object.h"
#include "os/files.h"
#include "os/loop.h"
#include "os/process.h"

namespace scoria::drivers::file {
namespace {

constexpr std::int64_t least = 300 * mib;  // mkfs.xfs makes nothing smaller

std::string image_of(const std::string& directory) {
  std::string path = directory;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path + ".xfs";
}

/// Something is mounted there: the directory is on another device than its parent.
bool is_mounted(const std::string& directory) {
  const os::Fd here = os::open_directory(directory), above = os::open_directory(directory + "/..");
  return os::status_of(here).st_dev != os::status_of(above).st_dev;
}

bool has_file_system(const std::string& image) {
  char magic[4] = {};
  return os::read_at(os::open_file(image, O_RDONLY), 0, magic, sizeof magic) == sizeof magic && std::string_view(magic, 4) == "XFSB";
}

/// Under a name of its own until it is a whole file system, so that a crash leaves no image that cannot be mounted.
DriverResult<> make_image(Clock& clock, const Call& call, const std::string& image, Bytes size) {
  if (!os::find_program("mkfs.xfs")) return failed(FailureClass::permanent, "mkfs.xfs is not installed: install the package xfsprogs");
  const std::string unfinished = image + ".new";
  ::unlink(unfinished.c_str());
  {
    const os::Fd file = os::open_file(unfinished, O_RDWR | O_CREAT | O_EXCL);
    if (::ftruncate(file.get(), size.count) != 0) os::fail("size", unfinished);
  }
  const os::Finished made = os::run(clock, {.arguments = {"mkfs.xfs", "-q", "-m", "reflink=1", unfinished}, .stop = call.stop}, call.deadline);
  if (!made.ok()) return failed(FailureClass::permanent, "mkfs.xfs on {}: {}", unfinished, made.errors);
  os::sync(os::open_file(unfinished, O_RDONLY));
  if (::rename(unfinished.c_str(), image.c_str()) != 0) os::fail("name", image);
  return {};
}

}  // namespace

std::string advice(const std::string& directory) {
  const os::Fd pool = os::open_directory(directory);
  if (can_reflink(pool).value_or(true)) return {};
  return fmt::format(
      "The file system of {0} cannot share blocks: snapshots and clones become qcow2 overlays, whose writes reach about a third of the rate, and a "
      "volume attached other than by NBD cannot be snapshotted. `scoria admin pool create --size 100G {0}-xfs` makes a pool that can.",
      directory);
}

bool needs_mount(const std::string& directory) {
  return ::access(image_of(directory).c_str(), F_OK) == 0 && (::access(directory.c_str(), F_OK) != 0 || !is_mounted(directory));
}

DriverResult<> mount_pool_image(const std::string& directory) {
  return guarded([&]() -> DriverResult<> {
    const std::string image = image_of(directory);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) os::fail("make", directory);
    if (is_mounted(directory)) return {};
    if (!os::names_in(os::open_directory(directory)).empty())
      return failed(FailureClass::permanent, "{} is not empty: choose a directory that holds nothing", directory);
    const os::Fd file = os::open_file(image, O_RDWR);
    // A device that an earlier try left is good enough.
    const std::vector<os::LoopDevice> there = os::loops_on(file);
    const std::string device = there.empty() ? os::attach_loop(file, {}).path : there.front().path;
    if (::mount(device.c_str(), directory.c_str(), "xfs", MS_NOATIME, "") != 0) {
      const int error = errno;
      os::detach_loop(device);
      os::fail(error, "mount " + image + " on", directory);
    }
    os::detach_loop(device);  // from now on it goes with the mount
    return {};
  });
}

DriverResult<> make_pool_image(Clock& clock, const Call& call, const std::string& directory, Bytes size) {
  return guarded([&]() -> DriverResult<> {
    const std::string image = image_of(directory);
    if (size.count < least) return failed(FailureClass::permanent, "{} bytes are too few for a pool of its own: at least {} MiB", size.count, least / mib);
    if (::access(directory.c_str(), F_OK) == 0 && !is_mounted(directory) && !os::names_in(os::open_directory(directory)).empty())
      return failed(FailureClass::permanent, "{} is not empty: choose a directory that holds nothing", directory);
    if (::access(image.c_str(), F_OK) == 0) {
      if (!has_file_system(image)) return failed(FailureClass::permanent, "{} exists and is no xfs image", image);
    } else if (DriverResult<> made = make_image(clock, call, image, size); !made) {
      return made;
    }
    return mount_pool_image(directory);
  });
}

}  // namespace scoria::drivers::file
