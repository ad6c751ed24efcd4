#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "os/fd.h"

/// Where a file's bytes really are: sharing, holes, space.
namespace scoria::os {

/// Makes `target` share all bytes of `source` (FICLONE): at once, copied on write. False when this file system, or this
/// pair of files, cannot.
bool reflink(const Fd& source, const Fd& target);

/// A piece of a file as the file system keeps it. Offsets and lengths in bytes.
struct MappedExtent {
  std::uint64_t logical = 0;
  std::uint64_t physical = 0;
  std::uint64_t length = 0;
  bool unwritten = false;  // allocated, reads as zeroes
  bool exact = true;       // false: packed, compressed or not placed yet; `physical` says nothing about single blocks
};

/// All extents of [from, from + length), data not on disk yet is written first. Throws when the file system has no FIEMAP.
std::vector<MappedExtent> extents_of(const Fd& fd, std::uint64_t from = 0, std::uint64_t length = UINT64_MAX);
/// How many extents the file has; nothing when the file system cannot tell.
std::optional<std::size_t> count_extents(const Fd& fd);

struct Range {
  std::int64_t offset = 0;
  std::int64_t length = 0;
};

/// The next run of data at or after `from`; nothing when only holes are left.
std::optional<Range> next_data(const Fd& fd, std::int64_t from);
/// Gives the range back to the file system; it reads as zeroes. The size stays.
void punch_hole(const Fd& fd, std::int64_t offset, std::int64_t length);

struct Capacity {
  std::int64_t total = 0;  // bytes
  std::int64_t free = 0;   // for us, without what only root may take
};
Capacity capacity_of(const Fd& fd);

}  // namespace scoria::os
