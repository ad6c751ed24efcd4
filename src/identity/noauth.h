#pragma once
#include "identity/authenticator.h"

namespace scoria {

/// Believes everybody: the token is `user` or `user:project` (project as user when it is missing), and every caller is
/// an admin. For tests only. A request without a token is answered by the API (204 with a token to use).
class NoAuthenticator final : public Authenticator {
 public:
  Result<> authenticate(const Credentials& credentials, Context& context) override;
};

}  // namespace scoria
