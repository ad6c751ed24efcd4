#include "api/volumes/pages.h"

namespace scoria::api {

WrittenPages::Found WrittenPages::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  expire();
  if (const auto place = kept_.find(key); place != kept_.end()) return {true, place->second.page};
  oldest_first_.push_back(kept_.emplace(key, Kept{clock_.now() + lifetime_, key.size(), nullptr}).first);
  grow(key.size());
  return {};
}

void WrittenPages::keep(const std::string& key, Page page) {
  std::size_t bytes = key.size();
  for (const auto& volume : page) bytes += volume->id.size() + volume->json.size();
  auto shared = std::make_shared<const Page>(std::move(page));
  const std::lock_guard lock(mutex_);
  const auto place = kept_.find(key);
  if (place == kept_.end()) return;
  bytes_ -= place->second.bytes;
  place->second.bytes = bytes, place->second.page = std::move(shared);
  grow(bytes);
}

std::size_t WrittenPages::size() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void WrittenPages::grow(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ <= most_) return;
  kept_.clear(), oldest_first_.clear(), bytes_ = 0;
}

void WrittenPages::expire() {
  const Instant now = clock_.now();
  while (!oldest_first_.empty() && oldest_first_.front()->second.until <= now) {
    bytes_ -= oldest_first_.front()->second.bytes;
    kept_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
}

}  // namespace scoria::api
