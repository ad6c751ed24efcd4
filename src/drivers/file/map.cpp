#include "drivers/file/map.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "drivers/file/qemu.h"
#include "json/parse.h"
#include "os/extents.h"

namespace scoria::drivers::file {
namespace {

/// One call of qemu-img maps that much: its answer stays within tens of MiB even when every cluster stands alone.
constexpr std::int64_t window = 16 * gib;

std::vector<Segment> data_of_raw(const os::Fd& directory, const Layer& layer) {
  std::vector<Segment> out;
  const os::Fd file = os::open_at(directory, layer.file, O_RDONLY);
  std::int64_t at = 0;
  while (const auto range = os::next_data(file, at)) {
    out.push_back({.offset = range->offset, .length = range->length, .position = range->offset});
    at = range->offset + range->length;
  }
  return out;
}

bool joins(const Segment& before, const Segment& after) {
  return before.offset + before.length == after.offset && before.layer == after.layer && before.position + before.length == after.position;
}

DriverResult<> add_window(const std::string& text, std::size_t layers, std::vector<Segment>& out) {
  const Result<json::Value> parsed = json::parse(text);
  if (!parsed || !parsed->is_array()) return failed(FailureClass::transient, "qemu-img map gave no list");
  for (const json::Value& one : parsed->array()) {
    if (one.flag_or("zero") || !one.flag_or("data")) continue;
    const std::int64_t depth = one.integer_or("depth", -1), position = one.integer_or("offset", -1);
    if (depth < 0 || position < 0 || static_cast<std::size_t>(depth) >= layers) return failed(FailureClass::permanent, "qemu-img map tells data without a place");
    const Segment next{.offset = one.integer_or("start"), .length = one.integer_or("length"), .layer = static_cast<std::size_t>(depth), .position = position};
    if (!out.empty() && joins(out.back(), next)) out.back().length += next.length;
    else out.push_back(next);
  }
  return {};
}

/// Where the file system does not tell (tmpfs, NFS), a file is itself the place of its bytes.
std::vector<os::MappedExtent> extents_or_data(const os::Fd& file) {
  try {
    return os::extents_of(file);
  } catch (const std::system_error& error) {
    if (error.code().value() != EOPNOTSUPP && error.code().value() != ENOTTY) throw;
  }
  std::vector<os::MappedExtent> out;
  for (auto run = os::next_data(file, 0); run; run = os::next_data(file, run->offset + run->length))
    out.push_back({.logical = static_cast<std::uint64_t>(run->offset), .length = static_cast<std::uint64_t>(run->length), .exact = false});
  return out;
}

/// The extents of one layer file, as pieces of that file.
class LayerMap {
 public:
  explicit LayerMap(const os::Fd& file) : inode_(os::status_of(file).st_ino), extents_(extents_or_data(file)) {}

  /// Adds the pieces of [position, position + length) of the file, which the object has at `offset`.
  void add(std::int64_t offset, std::int64_t length, std::int64_t position, std::vector<Piece>& out) const {
    const auto begin = static_cast<std::uint64_t>(position), end = begin + static_cast<std::uint64_t>(length);
    auto extent = std::partition_point(extents_.begin(), extents_.end(), [begin](const os::MappedExtent& e) { return e.logical + e.length <= begin; });
    for (; extent != extents_.end() && extent->logical < end; ++extent) {
      if (extent->unwritten) continue;
      const std::uint64_t from = std::max(begin, extent->logical), to = std::min(end, extent->logical + extent->length);
      out.push_back({.offset = offset + static_cast<std::int64_t>(from - begin),
                     .length = static_cast<std::int64_t>(to - from),
                     .realm = extent->exact ? 0 : inode_,
                     .place = extent->exact ? extent->physical + (from - extent->logical) : from});
    }
  }

 private:
  std::uint64_t inode_;
  std::vector<os::MappedExtent> extents_;
};

/// A walk over pieces that tells, for any position, what is there and how far it goes on so.
class Walk {
 public:
  explicit Walk(const std::vector<Piece>& pieces) : at_(pieces.begin()), end_(pieces.end()) {}
  struct Here {
    bool data = false;
    std::uint64_t realm = 0, place = 0;
    std::int64_t until = INT64_MAX;
  };
  Here at(std::int64_t offset) {
    while (at_ != end_ && at_->offset + at_->length <= offset) ++at_;
    if (at_ == end_) return {};
    if (at_->offset > offset) return {.until = at_->offset};
    return {.data = true, .realm = at_->realm, .place = at_->place + static_cast<std::uint64_t>(offset - at_->offset), .until = at_->offset + at_->length};
  }

 private:
  std::vector<Piece>::const_iterator at_, end_;
};

}  // namespace

DriverResult<std::vector<Segment>> data_of(Clock& clock, const Call& call, const std::string& folder, const Found& found) {
  const std::vector<Layer>& layers = found.description.layers;
  if (layers.size() == 1 && layers.front().format == "raw") return data_of_raw(found.directory, layers.front());
  std::vector<Segment> out;
  const std::string path = folder + "/" + layers.front().file;
  for (std::int64_t start = 0; start < found.description.size.count; start += window) {
    const DriverResult<std::string> text =
        qemu_img(clock, call, {"map", "-U", "--output=json", "-f", layers.front().format, fmt::format("--start-offset={}", start),
                               fmt::format("--max-length={}", window), path});
    if (!text) return failed(text.error());
    if (DriverResult<> added = add_window(*text, layers.size(), out); !added) return failed(added.error());
  }
  return out;
}

DriverResult<std::vector<Piece>> places_of(Clock& clock, const Call& call, const std::string& folder, const Found& found) {
  const DriverResult<std::vector<Segment>> segments = data_of(clock, call, folder, found);
  if (!segments) return failed(segments.error());
  std::vector<LayerMap> maps;
  for (const Layer& layer : found.description.layers) maps.emplace_back(os::open_at(found.directory, layer.file, O_RDONLY));
  std::vector<Piece> out;
  for (const Segment& segment : *segments) maps[segment.layer].add(segment.offset, segment.length, segment.position, out);
  return out;
}

std::vector<Extent> difference(const std::vector<Piece>& older, const std::vector<Piece>& newer) {
  std::vector<Extent> out;
  Walk before(older), now(newer);
  std::int64_t offset = 0;
  while (true) {
    const Walk::Here a = before.at(offset), b = now.at(offset);
    const std::int64_t until = std::min(a.until, b.until);
    const bool same = a.data == b.data && (!a.data || (a.realm == b.realm && a.place == b.place));
    if (!same) {
      if (!out.empty() && out.back().zero == !b.data && (out.back().offset + out.back().length).count == offset) out.back().length.count += until - offset;
      else out.push_back({.offset = {offset}, .length = {until - offset}, .zero = !b.data});
    }
    if (until == INT64_MAX) return out;
    offset = until;
  }
}

}  // namespace scoria::drivers::file
