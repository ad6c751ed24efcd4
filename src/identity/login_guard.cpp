#include "identity/login_guard.h"

#include <algorithm>

#include "identity/digest.h"

namespace scoria::local {
namespace {

constexpr int free_tries = 5;
constexpr std::size_t most_records = 10'000;
constexpr Duration silence = std::chrono::minutes{15};

std::string key_of(std::string_view user, std::string_view peer) { return sha256_hex(std::string(user) + '\n' + std::string(peer)); }

}  // namespace

LoginGuard::LoginGuard(Clock& clock) : clock_(clock), free_(clock, places) {
  for (int i = 0; i < places; ++i) free_.try_push(i);
}

LoginGuard::Records::iterator LoginGuard::find(const std::string& key, Instant now) {
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return records_.end();
  if (now - at->second->last < silence) return at->second;
  records_.erase(at->second);
  by_key_.erase(at);
  return records_.end();
}

Duration LoginGuard::wait_for(std::string_view user, std::string_view peer) {
  const std::string key = key_of(user, peer);
  const Instant now = clock_.now();
  const std::lock_guard lock(mutex_);
  const auto record = find(key, now);
  if (record == records_.end() || record->failures < free_tries) return Duration::zero();
  const Duration pause = std::min<Duration>(std::chrono::seconds{1} * (1 << std::min(record->failures - free_tries, 6)), std::chrono::minutes{1});
  return std::max(record->last + pause - now, Duration::zero());
}

void LoginGuard::failed(std::string_view user, std::string_view peer) {
  const std::string key = key_of(user, peer);
  const Instant now = clock_.now();
  const std::lock_guard lock(mutex_);
  auto record = find(key, now);
  if (record == records_.end()) {
    if (records_.size() >= most_records) {
      by_key_.erase(records_.back().key);
      records_.pop_back();
    }
    records_.push_front({key, 0, now});
    record = records_.begin();
    by_key_.emplace(key, record);
  }
  ++record->failures;
  record->last = now;
  records_.splice(records_.begin(), records_, record);
}

void LoginGuard::succeeded(std::string_view user, std::string_view peer) {
  const std::string key = key_of(user, peer);
  const std::lock_guard lock(mutex_);
  const auto at = by_key_.find(key);
  if (at == by_key_.end()) return;
  records_.erase(at->second);
  by_key_.erase(at);
}

LoginGuard::Place::Place(LoginGuard& guard) : guard_(guard) {
  if (guard_.waiting_.fetch_add(1) < most_waiting) taken_ = guard_.free_.pop().has_value();
  guard_.waiting_.fetch_sub(1);
}

LoginGuard::Place::~Place() {
  if (taken_) guard_.free_.try_push(0);
}

}  // namespace scoria::local
