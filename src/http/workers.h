#pragma once
#include <atomic>
#include <memory>

#include "base/queue.h"
#include "base/thread_group.h"
#include "http/exchange.h"

namespace scoria::http {

/// The threads that run the handler, behind one bounded queue.
class Workers {
 public:
  Workers(Clock& clock, int threads, int queue_limit, Handler handler);
  void start();
  /// Never waits; false when all threads are busy and the queue is full, or after stop().
  bool submit(const std::shared_ptr<Answer>& answer);
  /// Runs what is queued (requests whose client is gone are dropped), then waits for the threads to end.
  void stop();

 private:
  void run();
  void handle(const std::shared_ptr<Answer>& answer);

  const int threads_;
  const int limit_;
  Handler handler_;
  std::atomic<int> taken_{0};  // queued or running
  BoundedQueue<std::shared_ptr<Answer>> queue_;
  ThreadGroup group_;
};

}  // namespace scoria::http
