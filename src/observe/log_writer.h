#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "observe/log.h"

namespace scoria::log {

/// The one thread that writes lines. It is not of a Clock's making: it must go on while everything else has stopped.
class Writer {
 public:
  Writer(const Options& options, std::atomic<std::uint64_t>& dropped);
  ~Writer();
  /// Queues a line, or drops and counts it when the queue is full. Never waits for the descriptor.
  void offer(Line line);
  void stop(Duration limit);

 private:
  void run();
  void put(std::string_view bytes);
  bool writable();

  const int descriptor_;
  const bool json_;
  const std::size_t limit_;
  std::atomic<std::uint64_t>& dropped_;
  std::uint64_t told_ = 0;  // of dropped_; the writer thread's own
  std::atomic<std::int64_t> give_up_at_{0};  // microseconds since boot; 0 = never
  std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<Line> queue_;  // guarded by mutex_
  bool urgent_ = false;      // guarded by mutex_: a warning waits, or too many lines do
  bool stopping_ = false;    // guarded by mutex_
  std::thread thread_;
};

}  // namespace scoria::log
