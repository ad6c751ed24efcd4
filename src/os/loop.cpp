#include "os/loop.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "os/files.h"

namespace scoria::os {
namespace {

constexpr unsigned loop_major = 7;

Fd open_device(const std::string& path, unsigned number, int flags) {
  if (std::optional<Fd> fd = open_if_there(path, flags)) return std::move(*fd);
  // In a container nobody makes the nodes.
  if (::mknod(path.c_str(), S_IFBLK | 0600, makedev(loop_major, number)) != 0 && errno != EEXIST) fail("make", path);
  return open_file(path, flags);
}

std::optional<loop_info64> info_of(const std::string& path) {
  const std::optional<Fd> device = open_if_there(path, O_RDONLY);
  loop_info64 info{};
  if (!device || ::ioctl(device->get(), LOOP_GET_STATUS64, &info) != 0) return std::nullopt;
  return info;
}

LoopDevice described(const std::string& path, const loop_info64& info) {
  const char* label = reinterpret_cast<const char*>(info.lo_file_name);
  return {.path = path,
          .read_only = (info.lo_flags & LO_FLAGS_READ_ONLY) != 0,
          .direct_io = (info.lo_flags & LO_FLAGS_DIRECT_IO) != 0,
          .label = std::string(label, ::strnlen(label, LO_NAME_SIZE)),
          .file_device = info.lo_device,
          .file_inode = info.lo_inode};
}

/// A device whose window on the file begins where no file can have a byte: every read and write fails.
constexpr std::uint64_t beyond_every_file = 0x7fffffffffffffffULL;

/// EINVAL where the file system has no direct I/O (tmpfs of older kernels).
bool configure(const Fd& device, const Fd& file, const LoopOptions& options, bool direct_io) {
  loop_config config{};
  config.fd = static_cast<std::uint32_t>(file.get());
  config.block_size = options.block_size;
  if (options.read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
  if (direct_io) config.info.lo_flags |= LO_FLAGS_DIRECT_IO;
  options.label.copy(reinterpret_cast<char*>(config.info.lo_file_name), LO_NAME_SIZE - 1);
  return ::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0;
}

}  // namespace

LoopDevice attach_loop(const Fd& file, const LoopOptions& options) {
  const Fd control = open_file("/dev/loop-control", O_RDWR);
  for (int attempt = 0; attempt < 64; ++attempt) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) fail("find", "a free loop device");
    const std::string path = fmt::format("/dev/loop{}", number);
    const Fd device = open_device(path, static_cast<unsigned>(number), options.read_only ? O_RDONLY : O_RDWR);
    bool done = configure(device, file, options, options.direct_io);
    if (!done && errno == EINVAL && options.direct_io) done = configure(device, file, options, false);
    if (done) {
      const std::optional<loop_info64> info = info_of(path);
      if (!info) fail("look at", path);
      return described(path, *info);
    }
    if (errno != EBUSY) fail("attach a file to", path);
  }
  fail(EBUSY, "find", "a free loop device");
}

std::vector<LoopDevice> all_loops() {
  std::vector<LoopDevice> out;
  for (const std::string& name : names_in(open_directory("/sys/block"))) {
    if (!name.starts_with("loop")) continue;
    const std::string path = "/dev/" + name;
    const std::optional<loop_info64> info = info_of(path);
    if (info && info->lo_offset != beyond_every_file) out.push_back(described(path, *info));
  }
  return out;
}

std::vector<LoopDevice> loops_on(const Fd& file) {
  const struct stat status = status_of(file);
  std::vector<LoopDevice> out = all_loops();
  std::erase_if(out, [&](const LoopDevice& loop) { return loop.file_device != status.st_dev || loop.file_inode != status.st_ino; });
  return out;
}

void resize_loop(const std::string& device) {
  const Fd fd = open_file(device, O_RDONLY);
  if (::ioctl(fd.get(), LOOP_SET_CAPACITY, 0) != 0) fail("resize", device);
}

bool detach_loop(const std::string& device) {
  {
    const std::optional<Fd> fd = open_if_there(device, O_RDONLY);
    if (!fd) return true;
    if (::ioctl(fd->get(), LOOP_CLR_FD, 0) != 0) {
      if (errno == ENXIO) return true;
      if (errno == EBUSY) return false;
      fail("detach", device);
    }
  }
  return !info_of(device);
}

void fence_loop(const std::string& device) {
  const std::optional<Fd> fd = open_if_there(device, O_RDONLY);
  loop_info64 info{};
  if (!fd || ::ioctl(fd->get(), LOOP_GET_STATUS64, &info) != 0) return;
  // The kernel flushes the device, waits until no request is under way, then changes the window; the device goes when
  // its last user closes it.
  info.lo_offset = beyond_every_file;
  info.lo_flags |= LO_FLAGS_AUTOCLEAR;
  if (::ioctl(fd->get(), LOOP_SET_STATUS64, &info) != 0 && errno != ENXIO) fail("cut off the users of", device);
}

}  // namespace scoria::os
