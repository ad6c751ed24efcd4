#include "observe/log_writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "observe/log_format.h"

namespace scoria::log {
namespace {

/// After the first line of a batch its companions are waited for, so that a busy service does not wake a thread per line.
constexpr std::chrono::milliseconds gathering{5};

std::int64_t micros_since_boot() { return SystemClock{}.now().since_boot.count(); }

}  // namespace

Writer::Writer(const Options& options, std::atomic<std::uint64_t>& dropped)
    : descriptor_(options.descriptor),
      json_(options.format == Format::json || (options.format == Format::automatic && ::isatty(options.descriptor) == 0)),
      limit_(options.queue_limit),
      dropped_(dropped),
      told_(dropped.load()) {
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "log");
    run();
  });
}

Writer::~Writer() { stop(Duration::zero()); }

void Writer::offer(Line line) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= limit_ || stopping_) {
      ++dropped_;
      return;
    }
    const bool urgent = line.level >= Level::warning || queue_.size() * 2 > limit_;
    wake = queue_.empty() || (urgent && !urgent_);
    urgent_ |= urgent;
    queue_.push_back(std::move(line));
  }
  if (wake) filled_.notify_one();
}

void Writer::stop(Duration limit) {
  if (!thread_.joinable()) return;
  give_up_at_ = micros_since_boot() + limit.count();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_one();
  thread_.join();
}

void Writer::run() {
  std::vector<Line> lines;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      filled_.wait(lock, [this] { return !queue_.empty() || stopping_; });
      if (!urgent_ && !stopping_) filled_.wait_for(lock, gathering, [this] { return urgent_ || stopping_; });
      if (queue_.empty()) return;
      lines.swap(queue_);
      urgent_ = false;
    }
    std::string bytes;
    const std::uint64_t lost = dropped_.load() - told_;
    for (const Line& line : lines) {
      const std::string one = json_ ? as_json(line) : as_text(line);
      // Whole lines up to PIPE_BUF go out in one write: what POLLOUT promised is then taken without blocking, and lines
      // of several processes do not mix.
      if (bytes.size() + one.size() > PIPE_BUF) put(std::exchange(bytes, {}));
      bytes += one;
    }
    if (lost != 0) {
      told_ += lost;
      const Line note{lines.back().time, Level::warning, "log", {}, {}, {}, fmt::format("{} log lines were dropped", lost)};
      bytes += json_ ? as_json(note) : as_text(note);
    }
    put(bytes);
    lines.clear();
  }
}

bool Writer::writable() {
  while (true) {
    const std::int64_t give_up_at = give_up_at_.load();
    const bool late = give_up_at != 0 && micros_since_boot() >= give_up_at;
    pollfd wanted{descriptor_, POLLOUT, 0};
    if (::poll(&wanted, 1, late ? 0 : 20) > 0) return (wanted.revents & POLLOUT) != 0;
    if (late) return false;
  }
}

void Writer::put(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!writable()) break;
    const ssize_t count = ::write(descriptor_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
    if (count < 0 && errno != EINTR && errno != EAGAIN) break;
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  dropped_ += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
}

}  // namespace scoria::log
