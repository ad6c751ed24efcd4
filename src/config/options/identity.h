#pragma once
#include <string>
#include <vector>

#include "config/fields.h"

namespace scoria::config {

/// Who may ask, and for what.
struct IdentityOptions {
  std::string auth_strategy = "local";
  std::string project_id_regex = "[0-9a-f\\-]+";
  std::string policy_file;
  bool enforce_new_defaults = true;

  void declare(Fields& fields);
};

/// How Keystone is asked, for auth_strategy keystone.
struct KeystoneOptions {
  std::string auth_url;
  std::string www_authenticate_uri;
  std::string auth_type = "password";
  std::string username, project_name = "service";
  Secret password;
  std::string user_domain_id, user_domain_name = "Default";
  std::string project_domain_id, project_domain_name = "Default";
  std::string region_name;
  std::string interface = "internal";
  std::string cafile;
  bool insecure = false;
  Duration token_cache_time = std::chrono::seconds{300};
  std::vector<std::string> service_token_roles{"service"};
  bool service_token_roles_required = false;

  void declare(Fields& fields);
};

}  // namespace scoria::config
