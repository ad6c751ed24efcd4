#include "identity/token.h"

#include <algorithm>

namespace scoria {

void Token::describe(Context& context) const {
  context.user_id = user_id, context.user_name = user_name, context.user_domain_id = user_domain_id;
  context.project_id = project_id, context.project_name = project_name, context.project_domain_id = project_domain_id;
  context.domain_id = domain_id;
  context.system_scope = system_scope;
  context.is_admin_project = is_admin_project;
  context.roles = roles;
}

tl::unexpected<Refusal> unauthorized() { return refuse(RefusalCode::unauthorized, "The request you have made requires authentication."); }

bool is_token_text(std::string_view text) {
  return !text.empty() && text.size() <= 8192 && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::optional<TokenCache::Verdict> TokenCache::find(const std::string& key) {
  const Instant now = clock_.now();
  const std::lock_guard lock(mutex_);
  const auto at = places_.find(key);
  if (at == places_.end()) return std::nullopt;
  if (at->second->until <= now) {
    entries_.erase(at->second);
    places_.erase(at);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, at->second);
  return at->second->verdict;
}

std::uint64_t TokenCache::generation() const {
  const std::lock_guard lock(mutex_);
  return generation_;
}

void TokenCache::keep(const std::string& key, Verdict verdict, Duration time, std::uint64_t as_of) {
  if (time <= Duration::zero() || limit_ == 0) return;
  const Instant until = clock_.now() + time;
  const std::lock_guard lock(mutex_);
  if (as_of != generation_) return;
  if (const auto at = places_.find(key); at != places_.end()) {
    entries_.erase(at->second);
    places_.erase(at);
  }
  if (entries_.size() >= limit_) {
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({key, std::move(verdict), until});
  places_.emplace(key, entries_.begin());
}

void TokenCache::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  ++generation_;
  const auto at = places_.find(key);
  if (at == places_.end()) return;
  entries_.erase(at->second);
  places_.erase(at);
}

void TokenCache::forget_all() {
  const std::lock_guard lock(mutex_);
  ++generation_;
  places_.clear();
  entries_.clear();
}

std::size_t TokenCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace scoria
