#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "config/options/identity.h"
#include "identity/token.h"

/// The bodies of Keystone's v3 token calls.
namespace scoria::keystone {

struct Endpoint {
  std::string type;       // "image", "compute" …
  std::string interface;  // public, internal, admin
  std::string region;
  std::string url;
};

/// What GET and POST /v3/auth/tokens answer with.
struct TokenReply {
  Token token;
  std::vector<Endpoint> catalogue;  // empty when it was not asked for
};

/// Refuses `unavailable` for a body that is none of Keystone's.
Result<TokenReply> read_token(std::string_view body);

/// The body of a login with user name and password, scoped to a project.
std::string login_body(const config::KeystoneOptions& options);

/// `http://host:5000/`, `…/v3`, `…/identity`: the root under which /auth/tokens stands, without a slash at its end.
std::string v3_root(std::string_view auth_url);

}  // namespace scoria::keystone
