#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace scoria {

/// Who asks, and for what request. Made once by api/pipeline from the token; passed by reference everywhere.
struct Context {
  std::string request_id;         // req-<uuid>
  std::string global_request_id;  // from the caller, may be empty
  std::string user_id;
  std::string user_name;
  std::string project_id;
  std::string project_name;
  std::string domain_id;          // of a domain-scoped token
  std::string user_domain_id;
  std::string project_domain_id;
  bool system_scope = false;
  std::vector<std::string> roles;          // lower case
  std::vector<std::string> service_roles;  // of X-Service-Token
  bool is_admin_project = true;            // false only if the identity service says so
  bool is_admin = false;                   // context_is_admin holds
  Deadline deadline;
  std::string idempotency_key;             // of a POST; empty: none
  std::string request_hash;                // with a key: what was asked

  bool has_role(std::string_view role) const;
  bool has_service_role(std::string_view role) const;
};

}  // namespace scoria
