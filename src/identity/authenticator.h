#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "identity/context.h"

namespace scoria {

/// What a request carries about who asks.
struct Credentials {
  std::string_view token;          // X-Auth-Token
  std::string_view service_token;  // X-Service-Token
  std::string_view url_project;    // project id in the path, may be empty
};

/// Turns credentials into who asks. Thread-safe; may block until the context's deadline.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// Fills user, project, roles of `context`. Refuses `unauthorized` (missing, invalid, expired) or `unavailable` (the
  /// identity service cannot be asked now).
  virtual Result<> authenticate(const Credentials& credentials, Context& context) = 0;
};

}  // namespace scoria
