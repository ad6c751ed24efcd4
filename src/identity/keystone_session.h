#pragma once
#include <mutex>
#include <string>
#include <vector>

#include "config/options/identity.h"
#include "identity/keystone_json.h"
#include "identity/single_flight.h"
#include "net/http_client.h"

namespace scoria {

/// Scoria's own standing with Keystone: a token that is renewed before it expires, and the catalogue that came with it.
/// Thread-safe; of concurrent callers one logs in.
class KeystoneSession {
 public:
  KeystoneSession(Clock& clock, net::HttpClient& client, config::KeystoneOptions options);

  /// A token that was good a moment ago. Refuses `unavailable` when Keystone cannot be asked or refuses us.
  Result<std::string> token(Deadline deadline);
  /// Somebody refused this token: the next token() is a new one.
  void reject(const std::string& token);
  /// Where a service of that type is reached, as the catalogue says, for the interface and region of the options. Refuses
  /// `unavailable`, with the detail "not in the catalogue" when that is why.
  Result<std::string> endpoint(std::string_view type, Deadline deadline);

  const std::string& root() const { return root_; }

 private:
  struct Own {
    std::string token;
    Instant renew_at;
    std::vector<keystone::Endpoint> catalogue;
  };

  Result<std::string> login(Deadline deadline);

  Clock& clock_;
  net::HttpClient& client_;
  const config::KeystoneOptions options_;
  const std::string root_;
  SingleFlight<std::string> logins_;
  std::mutex mutex_;
  Own own_;  // guarded by mutex_
};

}  // namespace scoria
