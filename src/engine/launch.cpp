#include "engine/launch.h"

#include "base/mutants.h"

namespace scoria::engine {

Launch::Launch(Berths* berths, std::string operation, std::string queue) : berths_(berths), id_(std::move(operation)), queue_(std::move(queue)) {
  if (berths_ != nullptr && !id_.empty()) berth_ = berths_->reserve(id_, queue_);
}

void Launch::written(Operation operation, std::optional<Duration> time_limit) {
  operation_ = std::move(operation);
  time_limit_ = time_limit;
}

void Launch::release() {
  if (berth_ && !MUTANT(berth_kept)) berths_->release(id_, queue_);
  berth_.reset();
  operation_.reset();
}

void Launch::committed(const std::function<void(const std::string& queue)>& poke) {
  if (!operation_) {
    release();
    return poke(queue_);
  }
  berth_.reset();
  berths_->board(std::move(*operation_), time_limit_);
  operation_.reset();
}

}  // namespace scoria::engine
