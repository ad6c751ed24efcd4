#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace scoria::cli {

using Environment = std::vector<std::pair<std::string, std::string>>;
std::string variable(const Environment& environment, std::string_view name);

/// How a deployment is reached, and as whom.
struct Access {
  std::string auth_url, username, password, project_name;
  std::string user_domain = "Default", project_domain = "Default";
};

/// From OS_* variables; else the cloud OS_CLOUD (or the only one) of the first clouds.yaml of: OS_CLIENT_CONFIG_FILE, the
/// working directory, ~/.config/openstack, /etc/openstack, /var/lib/scoria. Refuses with where it looked.
Result<Access> find_access(const Environment& environment);

}  // namespace scoria::cli
