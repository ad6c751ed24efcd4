#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace scoria::cli {

using Environment = std::vector<std::pair<std::string, std::string>>;
std::string variable(const Environment& environment, std::string_view name);

/// How a deployment is reached, and as whom: by password, by an application credential, or with a token.
struct Access {
  std::string auth_url;
  std::string username, user_id, password, user_domain = "Default";
  std::string project_name, project_id, project_domain = "Default";
  std::string credential_id, credential_name, credential_secret;
  std::string token;
  std::string region;  // empty: the first that the catalogue has
  std::string interface = "public";
  std::string ca_file;  // PEM; empty: the system's
  bool insecure = false;
};

/// The cloud `cloud`, or OS_CLOUD, of the first clouds.yaml of: OS_CLIENT_CONFIG_FILE, the working directory,
/// ~/.config/openstack, /etc/openstack, and what Scoria's first start writes. Without a name: OS_* variables if they are
/// enough, else the only cloud of the file. Refuses with where it looked.
Result<Access> find_access(const Environment& environment, const std::string& cloud = {});

}  // namespace scoria::cli
