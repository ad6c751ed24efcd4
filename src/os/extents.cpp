#include "os/extents.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace scoria::os {
namespace {

constexpr std::uint32_t vague =
    FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_DATA_TAIL;

constexpr std::uint32_t batch_size = 1024;

}  // namespace

bool reflink(const Fd& source, const Fd& target) {
  if (::ioctl(target.get(), FICLONE, source.get()) == 0) return true;
  if (errno == EOPNOTSUPP || errno == EXDEV || errno == EINVAL || errno == ENOTTY || errno == ENOSYS) return false;
  fail("share the blocks of", "a file");
}

std::vector<MappedExtent> extents_of(const Fd& fd, std::uint64_t from, std::uint64_t length) {
  std::vector<MappedExtent> out;
  const std::uint64_t end = length > UINT64_MAX - from ? UINT64_MAX : from + length;
  std::uint64_t position = from;
  // The kernel's structure ends in an array of any length.
  std::vector<fiemap_extent> memory(batch_size + 1 + sizeof(fiemap) / sizeof(fiemap_extent));
  fiemap* const map = reinterpret_cast<fiemap*>(memory.data());
  while (position < end) {
    std::memset(map, 0, sizeof *map);
    map->fm_start = position;
    map->fm_length = end - position;
    map->fm_flags = position == from ? FIEMAP_FLAG_SYNC : 0;
    map->fm_extent_count = batch_size;
    if (::ioctl(fd.get(), FS_IOC_FIEMAP, map) != 0) fail("map the extents of", "a file");
    if (map->fm_mapped_extents == 0) break;
    bool last = false;
    for (std::uint32_t i = 0; i < map->fm_mapped_extents; ++i) {
      const fiemap_extent& extent = map->fm_extents[i];
      out.push_back({.logical = extent.fe_logical,
                     .physical = extent.fe_physical,
                     .length = extent.fe_length,
                     .unwritten = (extent.fe_flags & FIEMAP_EXTENT_UNWRITTEN) != 0,
                     .exact = (extent.fe_flags & vague) == 0});
      last = (extent.fe_flags & FIEMAP_EXTENT_LAST) != 0;
      position = extent.fe_logical + extent.fe_length;
    }
    if (last) break;
  }
  return out;
}

std::optional<std::size_t> count_extents(const Fd& fd) {
  fiemap map;  // ends in an empty array, which no initialiser may name
  std::memset(&map, 0, sizeof map);
  map.fm_length = UINT64_MAX;
  if (::ioctl(fd.get(), FS_IOC_FIEMAP, &map) != 0) {
    if (errno == EOPNOTSUPP || errno == ENOTTY || errno == EINVAL) return std::nullopt;
    fail("count the extents of", "a file");
  }
  return map.fm_mapped_extents;
}

std::optional<Range> next_data(const Fd& fd, std::int64_t from) {
  const off_t data = ::lseek(fd.get(), from, SEEK_DATA);
  if (data < 0) {
    if (errno == ENXIO) return std::nullopt;
    fail("look for data in", "a file");
  }
  const off_t hole = ::lseek(fd.get(), data, SEEK_HOLE);
  if (hole < 0) fail("look for holes in", "a file");
  return Range{.offset = data, .length = hole - data};
}

void punch_hole(const Fd& fd, std::int64_t offset, std::int64_t length) {
  if (::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) != 0) fail("punch a hole into", "a file");
}

Capacity capacity_of(const Fd& fd) {
  struct statvfs status {};
  if (::fstatvfs(fd.get(), &status) != 0) fail("measure", "a file system");
  const auto bytes = [&status](fsblkcnt_t blocks) { return static_cast<std::int64_t>(blocks * status.f_frsize); };
  return {.total = bytes(status.f_blocks), .free = bytes(status.f_bavail)};
}

}  // namespace scoria::os
