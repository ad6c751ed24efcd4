#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "identity/authenticator.h"
#include "identity/keystone_session.h"
#include "identity/single_flight.h"
#include "identity/token.h"

namespace scoria {

/// Asks Keystone about each token it does not know yet. A verdict is believed for token_cache_time, never beyond the
/// token's expiry; a bad token for ten seconds. An expired token is accepted beside a service token with one of
/// service_token_roles: a long job of another service may still need us. When Keystone cannot be asked, only what is known already gets through.
class KeystoneAuthenticator final : public Authenticator {
 public:
  struct Limits {
    Duration bad_token_time = std::chrono::seconds{10};
    Duration ask_time = std::chrono::seconds{10};  // for one question, with retries
    std::size_t cached_tokens = 10'000;
    int questions_at_once = 24;  // fewer than the API has workers, so that a slow Keystone cannot take them all
  };

  KeystoneAuthenticator(Clock& clock, net::HttpClient& client, KeystoneSession& session, config::KeystoneOptions options, Limits limits);
  KeystoneAuthenticator(Clock& clock, net::HttpClient& client, KeystoneSession& session, config::KeystoneOptions options)
      : KeystoneAuthenticator(clock, client, session, std::move(options), Limits{}) {}

  Result<> authenticate(const Credentials& credentials, Context& context) override;

 private:
  using Known = std::shared_ptr<const Token>;

  Result<Known> validate(std::string_view token, bool allow_expired, Deadline deadline);
  Result<Known> ask(const std::string& token, bool allow_expired, Deadline deadline);
  Result<net::HttpResponse> question(const std::string& token, bool allow_expired, Deadline deadline);
  void remember(const std::string& key, const Result<Known>& verdict, bool allow_expired, std::uint64_t as_of);

  Clock& clock_;
  net::HttpClient& client_;
  KeystoneSession& session_;
  const config::KeystoneOptions options_;
  const Limits limits_;
  TokenCache cache_;
  SingleFlight<Known> flights_;
  std::atomic<int> asking_{0};
};

}  // namespace scoria
