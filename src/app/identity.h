#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "api/identity.h"
#include "base/random.h"
#include "config/config.h"
#include "identity/compute.h"
#include "identity/keystone.h"
#include "identity/local_bootstrap.h"
#include "identity/local_tokens.h"
#include "identity/policy.h"

namespace scoria::app {

/// Who says who a caller is, as auth_strategy has it: Scoria's own users, Keystone, or nobody.
class Identity {
 public:
  /// Throws std::runtime_error for a configuration that cannot be meant.
  Identity(const config::Config& config, db::Database& database, Clock& clock, Random& random);

  Authenticator& authenticator() { return *authenticator_; }
  /// Where Scoria's own identity is served; null with another strategy.
  api::IdentityDoor* door() { return door_.get(); }
  /// Our standing with Keystone, for calls to other services; null with another strategy.
  KeystoneSession* session() { return session_.get(); }
  /// Who may cut volumes off servers: with Keystone it is asked who uses them, else nobody does.
  const DetachRule& detach_rule() const { return detach_rule_; }
  /// Sets up an empty deployment that is reached under `base_url`; nothing when there is nothing to do (first_start()).
  std::optional<local::FirstStart> first_start(const std::string& base_url, const std::string& file);

 private:
  void use_local(const std::string& public_endpoint, Clock& clock);
  void use_keystone(const config::Config& config, Clock& clock);

  db::Database& database_;
  Random& random_;
  std::unique_ptr<local::Tokens> tokens_;
  std::unique_ptr<local::LocalKeystone> keystone_;
  std::unique_ptr<api::IdentityDoor> door_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<KeystoneSession> session_;
  std::unique_ptr<Compute> compute_;
  DetachRule detach_rule_{nullptr, {}};
  std::unique_ptr<Authenticator> authenticator_;
};

/// The rules in force, which change when the file is read again.
class LivePolicy {
 public:
  /// Throws std::runtime_error for a file that cannot be meant.
  explicit LivePolicy(const config::Config& config);
  std::shared_ptr<const Policy> current() const;
  /// Reads the file again; one that cannot be meant is logged and changes nothing.
  void reload(const config::Config& config);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Policy> policy_;  // guarded by mutex_
};

/// What a caller without a token is told: Keystone's URL.
std::string identity_url(const config::Config& config);

}  // namespace scoria::app
