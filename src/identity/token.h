#pragma once
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "identity/context.h"

namespace scoria {

/// What a valid token says about its holder.
struct Token {
  std::string user_id, user_name, user_domain_id;
  std::string project_id, project_name, project_domain_id;
  std::string domain_id;  // of a domain-scoped token
  bool system_scope = false;
  bool is_admin_project = true;
  std::vector<std::string> roles;  // lower case
  Timestamp expires_at;

  /// Writes user, scope and roles into a context; nothing else of it changes.
  void describe(Context& context) const;
};

/// A token as it stands in a header: 1 to 8192 visible ASCII characters. Anything else is no token and is not asked about.
bool is_token_text(std::string_view text);

/// The same words for whatever was wrong, so that nobody learns which part of it was.
tl::unexpected<Refusal> unauthorized();

/// What was found out about tokens lately, by a key that is not the token itself (its SHA-256). Bounded: the entry that
/// was not used for longest makes room. Thread-safe.
class TokenCache {
 public:
  /// A refusal is kept as well: a bad token is not asked about again and again.
  using Verdict = Result<std::shared_ptr<const Token>>;

  TokenCache(Clock& clock, std::size_t limit) : clock_(clock), limit_(limit) {}

  std::optional<Verdict> find(const std::string& key);
  /// Asked before a verdict is sought elsewhere: what is forgotten meanwhile makes that verdict an old one.
  std::uint64_t generation() const;
  /// Believed for `time`; zero or less keeps nothing, nor does a verdict from before something was forgotten.
  void keep(const std::string& key, Verdict verdict, Duration time, std::uint64_t as_of);
  void forget(const std::string& key);
  void forget_all();
  std::size_t size() const;

 private:
  struct Entry {
    std::string key;
    Verdict verdict;
    Instant until;
  };

  Clock& clock_;
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::uint64_t generation_ = 0;                                           // guarded by mutex_
  std::list<Entry> entries_;                                               // guarded by mutex_; most recently used first
  std::map<std::string, std::list<Entry>::iterator, std::less<>> places_;  // guarded by mutex_
};

}  // namespace scoria
