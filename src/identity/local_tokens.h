#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "db/database.h"
#include "identity/authenticator.h"
#include "identity/local_directory.h"
#include "identity/token.h"

namespace scoria::local {

struct TokenOptions {
  Duration lifetime = std::chrono::hours{1};
  /// How long another node may still believe a token that was revoked here.
  Duration cache_time = std::chrono::seconds{10};
  /// How long beyond its expiry a token is kept, for services that end a long job in its name.
  Duration grace = std::chrono::hours{24};
  std::size_t cached_tokens = 10'000;
};

/// Everything about a token that is good now.
struct TokenRecord {
  std::string audit_id;
  User user;
  std::optional<Project> project;
  std::vector<Role> roles;  // in that project, with what they imply: an admin is a member, a member is a reader
  Timestamp issued_at, expires_at, now;

  bool expired() const { return expires_at <= now; }
  bool has_role(std::string_view name) const;
};

/// Tokens of Scoria's own users: random texts, kept as hashes, good for all nodes of the database. A token is as good as
/// its user, project and roles are at the moment, whatever they were when it was issued. Thread-safe.
class Tokens {
 public:
  Tokens(db::Database& database, Clock& clock, Random& random, TokenOptions options = {});

  struct Issued {
    std::string text;
    TokenRecord record;
  };
  /// Without a project: a token without roles. Refuses `unauthorized` unless the user is enabled and has a role in the
  /// enabled project. `until`: it ends then, if that is sooner.
  Result<Issued> issue(std::string_view user_id, std::string_view project_id, std::optional<Timestamp> until = std::nullopt);
  /// Asks the database. Refuses `unauthorized`.
  Result<TokenRecord> find(std::string_view token, bool allow_expired = false);
  /// As find(), believed for cache_time.
  Result<std::shared_ptr<const Token>> check(std::string_view token, bool allow_expired = false);
  /// Idempotent.
  void revoke(std::string_view token);
  /// Users, projects or roles changed: nothing cached is believed.
  void forget_cached() { cache_.forget_all(); }

 private:
  /// Every few minutes somebody who logs in takes the old tokens away.
  bool purge_is_due();

  db::Database& database_;
  Clock& clock_;
  Random& random_;
  const TokenOptions options_;
  TokenCache cache_;
  std::mutex mutex_;
  Instant next_purge_;  // guarded by mutex_
};

/// Ends every token of a user, in the caller's transaction; forget_cached() follows its commit.
void revoke_all(db::Transaction& tx, std::string_view user_id);

/// Believes Scoria's own tokens. An expired one needs a service token with the role `service` beside it.
class LocalAuthenticator final : public Authenticator {
 public:
  explicit LocalAuthenticator(Tokens& tokens) : tokens_(tokens) {}
  Result<> authenticate(const Credentials& credentials, Context& context) override;

 private:
  Tokens& tokens_;
};

}  // namespace scoria::local
