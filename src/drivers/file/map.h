#pragma once
#include <string>
#include <vector>

#include "drivers/file/object.h"

/// Where an object's bytes are, told by the file system and qemu-img, without reading data.
namespace scoria::drivers::file {

/// A run of bytes of an object that lies in one of its layers.
struct Segment {
  std::int64_t offset = 0;
  std::int64_t length = 0;
  std::size_t layer = 0;     // index into the description's layers
  std::int64_t position = 0;  // in that layer's file
};

/// All runs with data, by offset; what is between them reads as zeroes. `folder` is the object's directory.
DriverResult<std::vector<Segment>> data_of(Clock& clock, const Call& call, const std::string& folder, const Found& found);

/// A run of bytes by the place on the disk that holds it: equal places hold equal bytes.
struct Piece {
  std::int64_t offset = 0;
  std::int64_t length = 0;
  std::uint64_t realm = 0;    // 0: `place` is a disk address; else the inode of the file it counts in
  std::uint64_t place = 0;
};
DriverResult<std::vector<Piece>> places_of(Clock& clock, const Call& call, const std::string& folder, const Found& found);

/// What of `newer` is not the same place as in `older`.
std::vector<Extent> difference(const std::vector<Piece>& older, const std::vector<Piece>& newer);

}  // namespace scoria::drivers::file
