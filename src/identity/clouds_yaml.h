#pragma once
#include <string>

#include "base/result.h"

namespace scoria {

/// How a cloud is reached: one entry of clouds.yaml, which OpenStack's clients read.
struct CloudAccess {
  std::string cloud = "scoria";
  std::string auth_url;
  std::string user_name = "admin", password, project_name = "admin";
  std::string domain_name = "Default";
  std::string region = "RegionOne";
};

/// The text of a file with that one entry.
std::string clouds_yaml(const CloudAccess& access);

struct CloudsFile {
  CloudAccess access;
  bool made = false;  // by this call
};

/// Makes the file, mode 0600, in one step that survives a crash. One that is there is never touched: its own entry of
/// that name is given back instead (so who crashed after writing it finds the password again). Refuses `conflict` when
/// the file has no such entry, `invalid_input` when it is no clouds.yaml. Throws std::system_error when it cannot be made.
Result<CloudsFile> ensure_clouds_yaml(const std::string& path, const CloudAccess& access);

}  // namespace scoria
