#include "api/endings.h"

namespace scoria::api {
namespace {
constexpr std::size_t most = 512;
}

void Endings::note(const engine::Operation& ended) {
  const std::lock_guard lock(mutex_);
  if (!endings_.insert_or_assign(ended.id, engine::Ending{ended.state, ended.error_code, ended.error_text, ended.told}).second) return;
  order_.push_back(ended.id);
  if (order_.size() <= most) return;
  endings_.erase(order_.front());
  order_.pop_front();
}

std::optional<engine::Ending> Endings::find(const std::string& operation_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = endings_.find(operation_id);
  return found == endings_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace scoria::api
