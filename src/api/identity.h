#pragma once
#include <string>
#include <string_view>

#include "http/message.h"
#include "identity/local_keystone.h"

namespace scoria::api {

/// Serves Scoria's own identity under a path of its own, outside the pipeline: no token, no microversion, Keystone's
/// error bodies. Thread-safe.
class IdentityDoor {
 public:
  IdentityDoor(local::LocalKeystone& keystone, std::string mount, std::string public_endpoint);
  /// True for the mount itself and what is below it.
  bool serves(std::string_view path) const;
  /// Never throws but a simulated kill: failures are answered with 503 or 500.
  http::Response answer(const http::Request& request);

 private:
  local::LocalKeystone& keystone_;
  const std::string mount_, public_endpoint_;
};

}  // namespace scoria::api
