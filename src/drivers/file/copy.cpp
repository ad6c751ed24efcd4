#include "drivers/file/copy.h"

#include <fcntl.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

namespace scoria::drivers::file {
namespace {

constexpr std::int64_t chunk = 4 * mib;
constexpr std::int64_t grain = 64 * kib;            // zeroes are left out in pieces of this size
constexpr std::int64_t checkpoint_bytes = 256 * mib;
constexpr Duration checkpoint_time = 5s;

bool all_zero(const char* data, std::size_t size) { return size == 0 || (data[0] == 0 && std::memcmp(data, data + 1, size - 1) == 0); }

class Copy {
 public:
  Copy(Clock& clock, const Call& call, const Found& source, const Checkpoint& checkpoint)
      : clock_(clock), call_(call), checkpoint_(checkpoint), total_(size_now(source)), target_(os::open_at(checkpoint.directory, checkpoint.target, O_RDWR)),
        buffer_(static_cast<std::size_t>(chunk)), compare_(static_cast<std::size_t>(chunk)), noted_at_(clock.now()) {
    for (const Layer& layer : source.description.layers) layers_.push_back(os::open_at(source.directory, layer.file, O_RDONLY));
  }

  DriverResult<> run(const std::vector<Segment>& segments) {
    done_ = noted_ = resume_point(segments);
    for (const Segment& segment : segments) {
      std::int64_t at = std::max(segment.offset, done_);
      for (const std::int64_t end = segment.offset + segment.length; at < end;) {
        if (call_.should_stop()) return interrupted(FailureClass::stopped, "the copy was stopped");
        if (call_.deadline.passed(clock_)) return interrupted(FailureClass::transient, "the copy goes on with the next call");
        const std::int64_t size = std::min(chunk, end - at);
        FAILPOINT("driver.file.copy.before");
        copy_chunk(segment, at, size);
        at += size;
        advance(at);
        FAILPOINT("driver.file.copy.chunk");
      }
    }
    done_ = total_.count;
    if (checkpoint_.resumable) note();
    else os::sync(target_);
    if (call_.progress) call_.progress(total_, total_);
    return {};
  }

 private:
  tl::unexpected<DriverError> interrupted(FailureClass kind, const char* why) {
    note();
    return failed(kind, "{}", why);
  }

  std::size_t read(const Segment& segment, std::int64_t at, std::int64_t size, std::vector<char>& into) {
    return os::read_at(layers_[segment.layer], segment.position + (at - segment.offset), into.data(), static_cast<std::size_t>(size));
  }

  void copy_chunk(const Segment& segment, std::int64_t at, std::int64_t size) {
    const std::size_t got = read(segment, at, size, buffer_);
    for (std::size_t from = 0; from < got; from += static_cast<std::size_t>(grain)) {
      const std::size_t count = std::min(static_cast<std::size_t>(grain), got - from);
      if (!all_zero(&buffer_[from], count)) os::write_at(target_, at + static_cast<std::int64_t>(from), &buffer_[from], count);
    }
    // The copy must not push everything else out of the page cache.
    ::posix_fadvise(layers_[segment.layer].get(), segment.position + (at - segment.offset), size, POSIX_FADV_DONTNEED);
  }

  void advance(std::int64_t to) {
    done_ = to;
    if (call_.progress) call_.progress({done_}, total_);
    if (done_ - noted_ >= checkpoint_bytes || clock_.now() - noted_at_ >= checkpoint_time) note();
  }

  void note() {
    if (!checkpoint_.resumable || done_ == noted_) return;
    os::sync(target_);
    ::posix_fadvise(target_.get(), noted_, done_ - noted_, POSIX_FADV_DONTNEED);
    os::write_atomically(checkpoint_.directory, "filled", std::to_string(done_));
    FAILPOINT("driver.file.copy.noted");
    noted_ = done_;
    noted_at_ = clock_.now();
  }

  /// The noted place, if the bytes just before it are what they should be; else the beginning.
  std::int64_t resume_point(const std::vector<Segment>& segments) {
    const std::int64_t noted = checkpoint_.resumable ? filled(checkpoint_.directory) : 0;
    for (const Segment& segment : segments) {
      const std::int64_t to = std::min(noted, segment.offset + segment.length), from = std::max(segment.offset, to - chunk);
      if (to < noted - chunk || from >= to) continue;
      const std::size_t size = read(segment, from, to - from, buffer_);
      if (os::read_at(target_, from, compare_.data(), size) != size || std::memcmp(buffer_.data(), compare_.data(), size) != 0) return begin_anew();
    }
    return noted;
  }

  std::int64_t begin_anew() {
    const off_t size = os::status_of(target_).st_size;
    if (::ftruncate(target_.get(), 0) != 0 || ::ftruncate(target_.get(), size) != 0) os::fail("begin anew with", checkpoint_.target);
    return 0;
  }

  Clock& clock_;
  const Call& call_;
  const Checkpoint& checkpoint_;
  const Bytes total_;
  const os::Fd target_;
  std::vector<os::Fd> layers_;
  std::vector<char> buffer_, compare_;
  std::int64_t done_ = 0, noted_ = 0;
  Instant noted_at_;
};

}  // namespace

std::int64_t filled(const os::Fd& directory) {
  const auto file = os::open_at_if_there(directory, "filled", O_RDONLY);
  if (!file) return 0;
  const std::string text = os::read_all(*file);
  std::int64_t noted = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), noted);
  return error == std::errc{} && end == text.data() + text.size() && noted > 0 ? noted : 0;
}

DriverResult<> copy_bytes(Clock& clock, const Call& call, const std::string& folder, const Found& source, const Checkpoint& checkpoint) {
  const DriverResult<std::vector<Segment>> segments = data_of(clock, call, folder, source);
  if (!segments) return failed(segments.error());
  return Copy(clock, call, source, checkpoint).run(*segments);
}

}  // namespace scoria::drivers::file
