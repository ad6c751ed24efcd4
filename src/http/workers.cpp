#include "http/workers.h"

#include "observe/log.h"

namespace scoria::http {

Workers::Workers(Clock& clock, int threads, int queue_limit, Handler handler)
    : threads_(threads), limit_(threads + queue_limit), handler_(std::move(handler)), queue_(clock, static_cast<std::size_t>(limit_)), group_(clock) {}

void Workers::start() {
  for (int index = 0; index < threads_; ++index) {
    group_.spawn(fmt::format("http-{}", index), [this] { run(); });
  }
}

bool Workers::submit(const std::shared_ptr<Answer>& answer) {
  if (++taken_ <= limit_ && queue_.try_push(answer)) return true;
  --taken_;
  return false;
}

void Workers::stop() {
  queue_.close();
  group_.wait();
}

void Workers::run() {
  while (std::optional<std::shared_ptr<Answer>> answer = queue_.pop()) {
    if (!(*answer)->gone()) handle(*answer);
    --taken_;
  }
}

void Workers::handle(const std::shared_ptr<Answer>& answer) {
  try {
    handler_(answer->request(), answer);
  } catch (const std::exception& error) {
    log::error("http", {}, "the handler of {} {} failed: {}", answer->request().method, answer->request().path, error.what());
    answer->abandon();
  }
}

}  // namespace scoria::http
